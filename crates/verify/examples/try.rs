//! dev
use burn::tensor::Device;
use digits_verify::*;
fn main() {
    #[expect(deprecated)]
    let nd = Device::ndarray();
    let devices = [NamedDevice { name: "flex".into(), device: Ok(Device::flex()), precision: Precision::F64 },
        NamedDevice { name: "ndarray".into(), device: Ok(nd), precision: Precision::F64 }];
    let r = verify(&Options { mutants: true, ..Options::default() }, &devices).unwrap();
    for g in &r.groups { println!("{:5} {:60} {:>4} {:9.1e} {:9.0e}", g.passed(), g.title, g.checks.len(), g.max_error(), g.tolerance());
      for c in g.checks.iter().filter(|c| !c.passed) { println!("      {c:?}"); } }
    for m in r.mutants.as_ref().unwrap() { println!("{:5} {:30} {:9.1e} {:?}", m.caught, m.name, m.error, m.caught_by); }
    for e in &r.filters.as_ref().unwrap().evidence { for f in &e.facts { println!("{} {} -- {}", f.holds, f.claim, f.found); } }
    for l in &r.filters.as_ref().unwrap().learned { println!("{} {:e}", l.steps, l.error); }
    let t=&r.backprop.as_ref().unwrap().training[0]; println!("{} {} {}", t.losses[0], t.losses[500], t.losses[1000]);
    println!("{:.2} s {}", r.seconds, r.passed());
}

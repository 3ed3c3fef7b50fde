//! dev
use burn::tensor::Device;
use digits_verify::*;
fn main() {
    #[expect(deprecated)]
    let nd = Device::ndarray();
    let devices = [
        NamedDevice {
            name: "flex".into(),
            device: Ok(Device::flex()),
            precision: Precision::F64,
        },
        NamedDevice {
            name: "ndarray".into(),
            device: Ok(nd),
            precision: Precision::F64,
        },
    ];
    let r = verify(
        &Options {
            mutants: true,
            ..Options::default()
        },
        &devices,
    )
    .unwrap();
    print!(
        "{}",
        render::derivation(&r.backprop.as_ref().unwrap().worked)
    );
    print!("{}", render::table(&r));
    std::fs::create_dir_all("/tmp/v").unwrap();
    std::fs::write("/tmp/v/report.html", render::html(&r)).unwrap();
    std::fs::write("/tmp/v/report.md", render::markdown(&r)).unwrap();
    std::fs::write(
        "/tmp/v/report.json",
        serde_json::to_string_pretty(&render::json(&r)).unwrap(),
    )
    .unwrap();
    let f = r.filters.as_ref().unwrap();
    for (k, res) in &f.results {
        std::fs::write(
            format!("/tmp/v/{}.png", k.name),
            picture::png(&picture::panel(
                &f.image.to_f64(),
                &k.kernel.to_f64(),
                &res.to_f64(),
            ))
            .unwrap(),
        )
        .unwrap();
    }
}

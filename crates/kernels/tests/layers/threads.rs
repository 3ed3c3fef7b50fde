use burn::optim::Optimizer;
use burn::tensor::DType;
use burn_fused_cpu::{dense, dropout};

use crate::adam::adam;
use crate::common::*;

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    let _turn = take_turns();
    for (device, dtype) in both(&devices(), &[DType::F32, DType::F64]) {
        let all = [1, 2, 3].map(|threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            pool.unwrap().install(|| {
                let tracked = device.clone().autodiff();
                let x = tensor(&numbers(70 * 900, 1), [70, 900], &tracked, dtype).require_grad();
                let w = tensor(&numbers(900 * 50, 2), [900, 50], &tracked, dtype).require_grad();
                let y = dropout(dense(x.clone(), w.clone(), None), 0.4, 5);
                let gradients = y.clone().square().sum().backward();
                let w_gradient = w.grad(&gradients).unwrap();
                let adam = adam(0.0);
                let (stepped, _) = adam.step(0.1, w.inner(), w_gradient.clone(), None);
                [
                    values(y.inner()),
                    values(x.grad(&gradients).unwrap()),
                    values(w_gradient),
                    values(stepped),
                ]
            })
        });
        assert_eq!(all[0], all[1]);
        assert_eq!(all[0], all[2]);
    }
}

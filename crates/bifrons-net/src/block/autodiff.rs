//! The operators with gradients.

use bifrons_kernels::layout::Layout;
use bifrons_kernels::{Path, adam};
use burn::backend::Autodiff;
use burn::backend::autodiff::NodeId;
use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind, unary};
use burn::backend::tensor::FloatTensor;

use super::{Block, Kernels};

impl<B: Kernels, C: CheckpointStrategy> Kernels for Autodiff<B, C> {
    fn enter(images: FloatTensor<Self>, path: Path, layout: Layout) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct Enter;
        impl<B: Kernels> Backward<B, 1> for Enter {
            type State = (Path, Layout);
            fn backward(self, ops: Ops<Self::State, 1>, gradients: &mut Gradients, _: &mut Checkpointer) {
                let (path, layout) = ops.state;
                unary::<B, _>(ops.parents, ops.node, gradients, |gradient| B::leave(gradient, path, layout));
            }
        }
        match Enter.prepare::<C>([images.node()]).compute_bound().stateful() {
            OpsKind::Tracked(prepared) => {
                prepared.finish((path, layout), B::enter(images.into_primitive(), path, layout))
            }
            OpsKind::UnTracked(prepared) => prepared.finish(B::enter(images.into_primitive(), path, layout)),
        }
    }

    fn leave(_: FloatTensor<Self>, _: Path, _: Layout) -> FloatTensor<Self> {
        unreachable!("only called on gradients")
    }

    fn block(
        x: FloatTensor<Self>,
        weights: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        block: Block,
    ) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct Blocked;
        impl<B: Kernels> Backward<B, 3> for Blocked {
            type State = (NodeId, NodeId, FloatTensor<B>, Block);
            fn backward(self, ops: Ops<Self::State, 3>, gradients: &mut Gradients, saved: &mut Checkpointer) {
                let [of_x, of_weights, of_bias] = ops.parents;
                let gradient = gradients.consume::<B>(&ops.node);
                let (x, weights, result, block) = ops.state;
                let x: FloatTensor<B> = saved.retrieve_node_output(x);
                let weights: FloatTensor<B> = saved.retrieve_node_output(weights);
                let (x, weights, bias) =
                    B::block_backward(x, weights, result, gradient, block, of_x.is_some());
                for (node, gradient) in [(of_x, x), (of_weights, weights), (of_bias, bias)] {
                    if let Some(node) = node {
                        gradients.register::<B>(node.id, gradient);
                    }
                }
            }
        }
        match Blocked.prepare::<C>([x.node(), weights.node(), bias.node()]).compute_bound().stateful() {
            OpsKind::Tracked(mut prepared) => {
                let saved = (prepared.checkpoint(&x), prepared.checkpoint(&weights));
                let (weights, bias) = (weights.into_primitive(), bias.into_primitive());
                let result = B::block(x.into_primitive(), weights, bias, block.clone());
                prepared.finish((saved.0, saved.1, result.clone(), block), result)
            }
            OpsKind::UnTracked(prepared) => prepared.finish(B::block(
                x.into_primitive(),
                weights.into_primitive(),
                bias.into_primitive(),
                block,
            )),
        }
    }

    fn block_backward(
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: Block,
        _: bool,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        unreachable!("only called on gradients")
    }

    fn compare(
        drawn: FloatTensor<Self>,
        truth: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        path: Path,
    ) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct Compare;
        impl<B: Kernels> Backward<B, 1> for Compare {
            type State = ([FloatTensor<B>; 3], Path);
            fn backward(self, ops: Ops<Self::State, 1>, gradients: &mut Gradients, _: &mut Checkpointer) {
                let ([drawn, truth, weight], path) = ops.state;
                unary::<B, _>(ops.parents, ops.node, gradients, |gradient| {
                    B::compare_backward(drawn, truth, weight, gradient, path)
                });
            }
        }
        let (truth, weight) = (truth.into_primitive(), weight.into_primitive());
        match Compare.prepare::<C>([drawn.node()]).compute_bound().stateful() {
            OpsKind::Tracked(prepared) => {
                let drawn = drawn.into_primitive();
                let found = B::compare(drawn.clone(), truth.clone(), weight.clone(), path);
                prepared.finish(([drawn, truth, weight], path), found)
            }
            OpsKind::UnTracked(prepared) => {
                prepared.finish(B::compare(drawn.into_primitive(), truth, weight, path))
            }
        }
    }

    fn compare_backward(
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: Path,
    ) -> FloatTensor<Self> {
        unreachable!("only called on gradients")
    }

    fn adam_step(
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: adam::Adam,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        unreachable!("weights are updated without gradients")
    }
}

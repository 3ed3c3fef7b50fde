use super::grid::{Grid, cells};
use crate::error::{VerifyError, invalid};

/// What happens at the edge of the image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Padding {
    /// Only windows that lie inside the image.
    #[default]
    Valid,
    /// Zeros around it: at stride 1 the size stays. An odd zero goes to the right and below.
    Same,
}

/// How the window moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Geometry {
    /// Pixels from one window to the next.
    pub stride: usize,
    /// Pixels from one kernel cell to the next.
    pub dilation: usize,
    /// What happens at the edge.
    pub padding: Padding,
}

impl Default for Geometry {
    fn default() -> Self {
        Self {
            stride: 1,
            dilation: 1,
            padding: Padding::Valid,
        }
    }
}

/// One axis: which input a pair (output, kernel cell) meets.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Axis {
    pub(crate) input: usize,
    pub(crate) output: usize,
    pub(crate) before: usize,
    pub(crate) after: usize,
    pub(crate) stride: usize,
    pub(crate) dilation: usize,
}

impl Axis {
    /// The input index `s·o + d·k − p`, or `None` where it is padding.
    fn index(self, output: usize, kernel: usize) -> Option<usize> {
        (output * self.stride + kernel * self.dilation)
            .checked_sub(self.before)
            .filter(|&i| i < self.input)
    }
}

impl Geometry {
    pub(crate) fn axes<T, U>(
        self,
        image: &Grid<T>,
        kernel: &Grid<U>,
    ) -> Result<[Axis; 2], VerifyError> {
        Ok([
            self.axis("height", image.rows(), kernel.rows())?,
            self.axis("width", image.columns(), kernel.columns())?,
        ])
    }

    fn axis(self, what: &str, input: usize, kernel: usize) -> Result<Axis, VerifyError> {
        if self.stride == 0 || self.dilation == 0 {
            return Err(invalid(
                what,
                "stride and dilation count from 1; 0 was given",
            ));
        }
        let reach = self.dilation.checked_mul(kernel - 1);
        let reach = reach.filter(|&reach| reach < 1 << 20 && self.stride < 1 << 20);
        let too_large = "stride or dilation is too large; give at most 1,000";
        let reach = reach.ok_or_else(|| invalid(what, too_large))?;
        let total = match self.padding {
            Padding::Valid => 0,
            Padding::Same => reach,
        };
        let room = (input + total).checked_sub(reach + 1).ok_or_else(|| {
            let advice = "use a smaller kernel or padding same";
            let window = reach + 1;
            let problem =
                format!("a window of {window} does not fit into an image of {input}; {advice}");
            invalid(what, problem)
        })?;
        Ok(Axis {
            input,
            output: room / self.stride + 1,
            before: total / 2,
            after: total - total / 2,
            stride: self.stride,
            dilation: self.dilation,
        })
    }
}

/// The window behind the cell (r, c) of the result: every kernel cell with the image's cell that
/// it meets, `None` where it meets padding.
pub(super) fn window(
    [vertical, horizontal]: [Axis; 2],
    kernel: (usize, usize),
    (r, c): (usize, usize),
) -> impl Iterator<Item = ((usize, usize), Option<(usize, usize)>)> {
    cells(kernel.0, kernel.1).map(move |(u, v)| {
        let met = vertical.index(r, u).zip(horizontal.index(c, v));
        ((u, v), met)
    })
}

/// What follows the convolution inside one operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Epilogue {
    /// Nothing: convolution and bias only.
    Nothing,
    /// max(0, x)
    Relu,
    /// max(0, x), then the maximum of each 2×2 window, step 2; a last odd row or column is left
    /// out.
    ReluPool,
}

impl Epilogue {
    /// Pixels from one window of the pool to the next; 1 without a pool.
    pub(super) fn step(self) -> usize {
        match self {
            Self::Nothing | Self::Relu => 1,
            Self::ReluPool => 2,
        }
    }
}

/// Height or width of a convolution's result, from that of the image with its padding: the places
/// of a kernel that are `stride` pixels apart and inside; `None` where there is none.
pub fn convolution_size(padded: usize, kernel: usize, stride: usize) -> Option<usize> {
    padded
        .checked_sub(kernel)?
        .checked_div(stride)?
        .checked_add(1)
}

/// Sizes of one convolution block, all positive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Geometry {
    /// Images.
    pub batch: usize,
    /// Channels of an image.
    pub channels_in: usize,
    /// Height and width of an image in pixels.
    pub image: [usize; 2],
    /// Channels of the result.
    pub channels_out: usize,
    /// Height and width of the kernel in pixels.
    pub kernel: [usize; 2],
    /// Rows and columns of zeros around the image: top, left, bottom, right.
    pub padding: [usize; 4],
    /// What follows the convolution.
    pub epilogue: Epilogue,
}

impl Geometry {
    /// Height and width of the image with its zeros.
    fn padded(&self) -> Option<[usize; 2]> {
        let [top, left, bottom, right] = self.padding;
        Some([
            self.image[0].checked_add(top)?.checked_add(bottom)?,
            self.image[1].checked_add(left)?.checked_add(right)?,
        ])
    }

    /// Height and width of the result of the convolution itself; `None` where the kernel is
    /// larger than the padded image.
    pub fn convolved(&self) -> Option<[usize; 2]> {
        let [height, width] = self.padded()?;
        Some([
            convolution_size(height, self.kernel[0], 1)?,
            convolution_size(width, self.kernel[1], 1)?,
        ])
    }

    /// Height and width of what the block returns; `None` where nothing would be left.
    pub fn output(&self) -> Option<[usize; 2]> {
        let [height, width] = self.convolved()?;
        match self.epilogue {
            Epilogue::Nothing | Epilogue::Relu => Some([height, width]),
            Epilogue::ReluPool if height >= 2 && width >= 2 => Some([height / 2, width / 2]),
            Epilogue::ReluPool => None,
        }
    }

    /// Whether the kernels cover these sizes: none is 0, and a result is left.
    pub fn is_supported(&self) -> bool {
        let sizes = [self.batch, self.channels_in, self.channels_out];
        let edges = [self.image, self.kernel].concat();
        sizes.iter().chain(&edges).all(|&size| size > 0) && self.plan().is_some()
    }

    /// Numbers of the weights that one output channel has.
    pub(super) fn taps(&self) -> usize {
        self.channels_in * self.kernel[0] * self.kernel[1]
    }

    /// The sizes in the form that the inner loops use; `None` where nothing would be left, or
    /// where a size or an offset overflows.
    pub(super) fn plan(&self) -> Option<Plan> {
        let product = |factors: &[usize]| {
            factors
                .iter()
                .try_fold(1_usize, |product, &factor| product.checked_mul(factor))
        };
        let [height, width] = self.convolved()?;
        let output = self.output()?;
        let [padded_height, padded_width] = self.padded()?;
        let row = product(&[padded_width, self.channels_in])?;
        let padded = product(&[padded_height, row])?;
        let run = product(&[self.kernel[1], self.channels_in])?;
        // Offsets in lists have 32 bits. Rows of the packed weights end in at most 16 zeros, and
        // there are at most 32 channels behind the last.
        let packed = product(&[
            self.channels_out.checked_add(32)?,
            self.kernel[0],
            run.checked_add(16)?,
        ])?;
        u32::try_from(packed.max(padded.checked_add(SLACK)?)).ok()?;
        // The whole result.
        product(&[
            self.batch,
            self.channels_out.checked_add(32)?,
            height,
            width,
        ])?;
        Some(Plan {
            convolved: [height, width],
            pixels_out: output[0] * output[1],
            output,
            row,
            padded,
            run,
        })
    }
}

/// Offsets in an image that lies in memory as `[row][column][channel]`, with its zeros.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plan {
    /// Height and width after the convolution.
    pub convolved: [usize; 2],
    /// Height and width of the result.
    pub output: [usize; 2],
    /// Pixels of the result.
    pub pixels_out: usize,
    /// Numbers in a row of the padded image.
    pub row: usize,
    /// Numbers in the padded image.
    pub padded: usize,
    /// Numbers in one row of a window: consecutive in memory.
    pub run: usize,
}

/// Spare numbers behind a padded image: the last vector of a window's row may reach past it.
pub(super) const SLACK: usize = 16;

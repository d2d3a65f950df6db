//! What layers of pictures must know of them: how many, how large, what is made of them.

/// A convolution with zeros around each picture: half a kernel of them, so that a stride of 1
/// keeps its size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConvShape {
    /// Pictures of a member.
    pub samples: usize,
    /// Pixels down.
    pub height: usize,
    /// Pixels across.
    pub width: usize,
    /// Numbers of a pixel.
    pub channels: usize,
    /// Numbers of a pixel of the result.
    pub filters: usize,
    /// Pixels across and down of the window; odd.
    pub kernel: usize,
    /// Pixels between windows.
    pub stride: usize,
}

impl ConvShape {
    /// Pixels down of the result.
    pub fn out_height(self) -> usize {
        self.height.div_ceil(self.stride)
    }

    /// Pixels across of the result.
    pub fn out_width(self) -> usize {
        self.width.div_ceil(self.stride)
    }

    /// Numbers of a picture.
    pub fn picture(self) -> usize {
        self.height * self.width * self.channels
    }
}

/// Pictures that are pooled, of all members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolShape {
    /// Pictures of all members.
    pub pictures: usize,
    /// Pixels down.
    pub height: usize,
    /// Pixels across.
    pub width: usize,
    /// Numbers of a pixel.
    pub channels: usize,
}

impl PoolShape {
    /// Numbers of a picture.
    pub fn picture(self) -> usize {
        self.height * self.width * self.channels
    }

    /// Numbers of a pooled picture.
    pub fn pooled(self) -> usize {
        (self.height / 2) * (self.width / 2) * self.channels
    }
}

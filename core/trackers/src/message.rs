//! The encoding of protocol buffers.

/// The bytes of a message, field by field.
#[derive(Default)]
pub(crate) struct Message(Vec<u8>);

impl Message {
    /// Adds a field of bytes: a text, or a message.
    pub(crate) fn bytes(mut self, field: u32, content: impl AsRef<[u8]>) -> Self {
        let content = content.as_ref();
        self.tag(field, 2);
        self.varint(content.len() as u64);
        self.0.extend(content);
        self
    }

    /// Adds a field that is an integer.
    pub(crate) fn integer(mut self, field: u32, value: u64) -> Self {
        self.tag(field, 0);
        self.varint(value);
        self
    }

    /// Adds a field that is a double.
    pub(crate) fn double(mut self, field: u32, value: f64) -> Self {
        self.tag(field, 1);
        self.0.extend(value.to_le_bytes());
        self
    }

    /// Adds a field that is a float.
    pub(crate) fn float(mut self, field: u32, value: f32) -> Self {
        self.tag(field, 5);
        self.0.extend(value.to_le_bytes());
        self
    }

    fn tag(&mut self, field: u32, wire: u64) {
        self.varint(u64::from(field) << 3 | wire);
    }

    fn varint(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.0.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.0.push(number as u8);
    }
}

impl AsRef<[u8]> for Message {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

//! SQLite's values as bytes: parameters on their way to the host, rows on their way back.
//!
//! A byte for the type (<https://www.sqlite.org/datatype3.html>), then the value; numbers are little-endian. JSON is not
//! used here, since it has neither blobs nor all floating-point numbers, and rows may be megabytes.

use std::fmt;

const NULL: u8 = 0;
const INTEGER: u8 = 1;
const REAL: u8 = 2;
const TEXT: u8 = 3;
const BLOB: u8 = 4;

/// A value of SQLite.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SqlValue<'a> {
    /// Nothing.
    Null,
    /// A whole number.
    Integer(i64),
    /// A floating-point number.
    Real(f64),
    /// A text.
    Text(&'a str),
    /// Bytes.
    Blob(&'a [u8]),
}

impl SqlValue<'_> {
    /// Appends the value to `bytes`.
    pub fn write(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Null => bytes.push(NULL),
            Self::Integer(number) => fixed(bytes, INTEGER, number.to_le_bytes()),
            Self::Real(number) => fixed(bytes, REAL, number.to_le_bytes()),
            Self::Text(text) => long(bytes, TEXT, text.as_bytes()),
            Self::Blob(blob) => long(bytes, BLOB, blob),
        }
    }
}

fn fixed(bytes: &mut Vec<u8>, tag: u8, number: [u8; 8]) {
    bytes.push(tag);
    bytes.extend(number);
}

fn long(bytes: &mut Vec<u8>, tag: u8, content: &[u8]) {
    // Longer ones than 4 GiB never come this far: a request has at most 8 MiB.
    let length = u32::try_from(content.len()).unwrap_or(u32::MAX);
    bytes.push(tag);
    bytes.extend(length.to_le_bytes());
    bytes.extend(content);
}

/// The values that bytes hold, one behind the other.
#[derive(Clone, Debug)]
pub struct SqlValues<'a> {
    rest: &'a [u8],
}

impl<'a> SqlValues<'a> {
    /// Reads from the beginning of `bytes`.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// What has not been read.
    #[must_use]
    pub const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// The next value.
    ///
    /// # Errors
    ///
    /// There is none, or it is cut off.
    pub fn read(&mut self) -> Result<SqlValue<'a>, MalformedValues> {
        let (&tag, rest) = self.rest.split_first().ok_or(MalformedValues)?;
        self.rest = rest;
        Ok(match tag {
            NULL => SqlValue::Null,
            INTEGER => SqlValue::Integer(i64::from_le_bytes(self.array()?)),
            REAL => SqlValue::Real(f64::from_le_bytes(self.array()?)),
            TEXT => SqlValue::Text(std::str::from_utf8(self.long()?).map_err(|_| MalformedValues)?),
            BLOB => SqlValue::Blob(self.long()?),
            _ => return Err(MalformedValues),
        })
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], MalformedValues> {
        let (array, rest) = self.rest.split_first_chunk().ok_or(MalformedValues)?;
        self.rest = rest;
        Ok(*array)
    }

    fn long(&mut self) -> Result<&'a [u8], MalformedValues> {
        let length = u32::from_le_bytes(self.array()?);
        let length = usize::try_from(length).map_err(|_| MalformedValues)?;
        let (content, rest) = self.rest.split_at_checked(length).ok_or(MalformedValues)?;
        self.rest = rest;
        Ok(content)
    }
}

/// Bytes that are no values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MalformedValues;

impl fmt::Display for MalformedValues {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the values can't be read: host and plugin disagree about their form")
    }
}

impl std::error::Error for MalformedValues {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_as_they_were_written_and_cut_ones_are_refused() {
        let values = [
            SqlValue::Null,
            SqlValue::Integer(i64::MIN),
            SqlValue::Real(f64::INFINITY),
            SqlValue::Text("ü\0"),
            SqlValue::Blob(&[0, 255]),
            SqlValue::Text(""),
        ];
        let mut bytes = Vec::new();
        for value in &values {
            value.write(&mut bytes);
        }
        let mut reading = SqlValues::new(&bytes);
        for value in &values {
            assert_eq!(reading.read().as_ref(), Ok(value));
        }
        assert_eq!((reading.read(), reading.rest()), (Err(MalformedValues), &[][..]));
        for end in 0..bytes.len() {
            let mut reading = SqlValues::new(&bytes[..end]);
            assert!((0..values.len()).any(|_| reading.read().is_err()), "cut at {end}");
        }
        assert_eq!(SqlValues::new(&[9]).read(), Err(MalformedValues));
    }
}

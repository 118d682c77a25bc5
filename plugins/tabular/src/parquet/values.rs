//! A column of a batch, in one of the few types that cells have.

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type, TimestampMillisecondType};
use arrow_array::{
    Array, ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMillisecondArray,
};
use arrow_cast::{CastOptions, cast_with_options};
use arrow_schema::{DataType, TimeUnit};

use crate::cell::Cell;
use crate::source::{Column, Holds};

/// The values of a column.
pub(super) enum Values {
    Text(StringArray),
    Integer(Int64Array),
    Float(Float64Array),
    Time(TimestampMillisecondArray),
}

impl Values {
    /// The values that `batch` has for `column`.
    pub(super) fn of(column: &Column<'_>, batch: &RecordBatch) -> Result<Self, String> {
        let name = column.name;
        let array = batch
            .column_by_name(name)
            .ok_or_else(|| format!("column `{name}` is not among those that were read"))?;
        let target = target(column.holds, array.data_type()).ok_or_else(|| {
            format!(
                "column `{name}` is of type {}; expected text, numbers or times",
                array.data_type()
            )
        })?;
        let array = cast(array, &target).map_err(|error| format!("column `{name}`: {error}"))?;
        Ok(match target {
            DataType::Int64 => Values::Integer(array.as_primitive::<Int64Type>().clone()),
            DataType::Float64 => Values::Float(array.as_primitive::<Float64Type>().clone()),
            DataType::Timestamp(..) => {
                Values::Time(array.as_primitive::<TimestampMillisecondType>().clone())
            }
            _ => Values::Text(array.as_string::<i32>().clone()),
        })
    }

    /// The value at `place`.
    pub(super) fn cell(&self, place: usize) -> Cell<'_> {
        let array: &dyn Array = match self {
            Values::Text(array) => array,
            Values::Integer(array) => array,
            Values::Float(array) => array,
            Values::Time(array) => array,
        };
        if array.is_null(place) {
            return Cell::Empty;
        }
        match self {
            Values::Text(array) => Cell::Text(array.value(place).into()),
            Values::Integer(array) => Cell::Integer(array.value(place)),
            Values::Float(array) => Cell::Float(array.value(place)),
            Values::Time(array) => Cell::Time(array.value(place)),
        }
    }
}

/// The type in which a column of type `found` is read.
fn target(holds: Holds, found: &DataType) -> Option<DataType> {
    use DataType as D;
    let times = || D::Timestamp(TimeUnit::Millisecond, None);
    match found {
        D::Dictionary(_, values) => target(holds, values),
        D::Utf8 | D::LargeUtf8 | D::Utf8View | D::Null => Some(D::Utf8),
        _ if holds == Holds::Text => Some(D::Utf8),
        D::Int8 | D::Int16 | D::Int32 | D::Int64 | D::UInt8 | D::UInt16 | D::UInt32 => {
            Some(D::Int64)
        }
        // Beyond 64 bits with a sign, and with decimals: as text, to lose nothing.
        D::UInt64 | D::Decimal128(..) | D::Decimal256(..) => Some(D::Utf8),
        D::Float16 | D::Float32 | D::Float64 => Some(D::Float64),
        D::Timestamp(..) | D::Date32 | D::Date64 => Some(times()),
        _ => None,
    }
}

/// Casts, and fails where a value does not fit rather than dropping it.
fn cast(array: &ArrayRef, target: &DataType) -> Result<ArrayRef, arrow_schema::ArrowError> {
    let options = CastOptions {
        safe: false,
        ..CastOptions::default()
    };
    cast_with_options(array, target, &options)
}

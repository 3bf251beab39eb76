//! Parquet values as the texts a CSV would hold.

use std::io::Write;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowDictionaryKeyType, ArrowPrimitiveType, Date32Type, Date64Type, Decimal32Type, Decimal64Type, Decimal128Type,
    Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, Time32MillisecondType,
    Time32SecondType, Time64MicrosecondType, Time64NanosecondType, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef};
use arrow_schema::{DataType, TimeUnit};

use crate::error::Error;
use crate::scan::Span;

/// Whether values of the type are single texts or numbers.
pub(super) fn is_plain(kind: &DataType) -> bool {
    match kind {
        DataType::Null | DataType::Boolean | DataType::Date32 | DataType::Date64 => true,
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => true,
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => true,
        DataType::Timestamp(..) | DataType::Time32(_) | DataType::Time64(_) => true,
        DataType::Decimal32(..) | DataType::Decimal64(..) | DataType::Decimal128(..) => true,
        DataType::Dictionary(_, values) => !matches!(**values, DataType::Dictionary(..)) && is_plain(values),
        other => other.is_numeric() && !matches!(other, DataType::Decimal256(..)),
    }
}

/// Appends the texts of a column to `data`; a null is an empty text.
pub(super) fn write(column: &ArrayRef, data: &mut Vec<u8>, spans: &mut [Span]) -> Result<(), Error> {
    let mut out = Out { data, spans, row: 0 };
    match column.data_type() {
        DataType::Null => (0..column.len()).for_each(|_| out.text(b"")),
        DataType::Boolean => {
            let text = |value: bool| if value { "true" } else { "false" };
            out.texts(column.as_boolean().iter().map(|value| value.map(text)));
        }
        DataType::Int8 => out.numbers::<Int8Type>(column, show),
        DataType::Int16 => out.numbers::<Int16Type>(column, show),
        DataType::Int32 => out.numbers::<Int32Type>(column, show),
        DataType::Int64 => out.numbers::<Int64Type>(column, show),
        DataType::UInt8 => out.numbers::<UInt8Type>(column, show),
        DataType::UInt16 => out.numbers::<UInt16Type>(column, show),
        DataType::UInt32 => out.numbers::<UInt32Type>(column, show),
        DataType::UInt64 => out.numbers::<UInt64Type>(column, show),
        DataType::Float16 => out.numbers::<Float16Type>(column, |out, value| show(out, value.to_f32())),
        DataType::Float32 => out.numbers::<Float32Type>(column, show_float),
        DataType::Float64 => out.numbers::<Float64Type>(column, show_float),
        DataType::Decimal32(_, scale) => out.decimals::<Decimal32Type>(column, *scale),
        DataType::Decimal64(_, scale) => out.decimals::<Decimal64Type>(column, *scale),
        DataType::Decimal128(_, scale) => out.decimals::<Decimal128Type>(column, *scale),
        DataType::Utf8 => out.texts(column.as_string::<i32>()),
        DataType::LargeUtf8 => out.texts(column.as_string::<i64>()),
        DataType::Utf8View => out.texts(column.as_string_view()),
        DataType::Binary => out.texts(column.as_binary::<i32>()),
        DataType::LargeBinary => out.texts(column.as_binary::<i64>()),
        DataType::BinaryView => out.texts(column.as_binary_view()),
        DataType::Dictionary(key, _) => out.dictionary(column, key)?,
        _ => out.times(column)?,
    }
    Ok(())
}

fn show(out: &mut Vec<u8>, value: impl std::fmt::Display) {
    write!(out, "{value}").expect("writing to memory succeeds");
}

/// Whole numbers without fraction, as most CSV writers do; others shortest, with an exponent where that is shorter.
fn show_float(out: &mut Vec<u8>, value: impl Into<f64> + std::fmt::Display + std::fmt::Debug + Copy) {
    let wide: f64 = value.into();
    if wide.abs() < 1e15 && wide.fract() == 0.0 { show(out, value) } else { show(out, format_args!("{value:?}")) }
}

struct Out<'a> {
    data: &'a mut Vec<u8>,
    spans: &'a mut [Span],
    row: usize,
}

impl Out<'_> {
    fn text(&mut self, text: &[u8]) {
        self.with(|data| data.extend_from_slice(text));
    }

    /// Texts, a null as an empty one.
    fn texts<T: AsRef<[u8]>>(&mut self, texts: impl IntoIterator<Item = Option<T>>) {
        for text in texts {
            self.text(text.as_ref().map_or(b"", AsRef::as_ref));
        }
    }

    fn with(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let start = self.data.len() as u32;
        write(self.data);
        self.spans[self.row] = Span { start, end: self.data.len() as u32 };
        self.row += 1;
    }

    fn numbers<T: ArrowPrimitiveType>(&mut self, column: &ArrayRef, show: impl Fn(&mut Vec<u8>, T::Native)) {
        for value in column.as_primitive::<T>() {
            self.with(|data| value.into_iter().for_each(|value| show(data, value)));
        }
    }

    fn decimals<T: ArrowPrimitiveType>(&mut self, column: &ArrayRef, scale: i8)
    where
        T::Native: Into<i128>,
    {
        self.numbers::<T>(column, |out, value| show_decimal(out, value.into(), scale));
    }

    fn dictionary(&mut self, column: &ArrayRef, key: &DataType) -> Result<(), Error> {
        match key {
            DataType::Int8 => self.keyed::<Int8Type>(column),
            DataType::Int16 => self.keyed::<Int16Type>(column),
            DataType::Int32 => self.keyed::<Int32Type>(column),
            DataType::Int64 => self.keyed::<Int64Type>(column),
            DataType::UInt8 => self.keyed::<UInt8Type>(column),
            DataType::UInt16 => self.keyed::<UInt16Type>(column),
            DataType::UInt32 => self.keyed::<UInt32Type>(column),
            _ => self.keyed::<UInt64Type>(column),
        }
    }

    /// Writes the dictionary once; rows point into it.
    fn keyed<K: ArrowDictionaryKeyType>(&mut self, column: &ArrayRef) -> Result<(), Error> {
        let dictionary = column.as_dictionary::<K>();
        let mut values = vec![Span::default(); dictionary.values().len()];
        write(dictionary.values(), self.data, &mut values)?;
        for key in 0..dictionary.len() {
            let value = dictionary.key(key).and_then(|key| values.get(key)).copied();
            self.spans[self.row] = value.unwrap_or_default();
            self.row += 1;
        }
        Ok(())
    }

    fn times(&mut self, column: &ArrayRef) -> Result<(), Error> {
        const DAY_MS: i64 = 86_400_000;
        match column.data_type() {
            DataType::Date32 => self.numbers::<Date32Type>(column, |out, days| show_date(out, days.into())),
            DataType::Date64 => self.numbers::<Date64Type>(column, |out, ms| show_date(out, ms.div_euclid(DAY_MS))),
            DataType::Timestamp(TimeUnit::Second, _) => {
                self.numbers::<TimestampSecondType>(column, |out, value| show_timestamp(out, value, 0));
            }
            DataType::Timestamp(TimeUnit::Millisecond, _) => {
                self.numbers::<TimestampMillisecondType>(column, |out, value| show_timestamp(out, value, 3));
            }
            DataType::Timestamp(TimeUnit::Microsecond, _) => {
                self.numbers::<TimestampMicrosecondType>(column, |out, value| show_timestamp(out, value, 6));
            }
            DataType::Timestamp(TimeUnit::Nanosecond, _) => {
                self.numbers::<TimestampNanosecondType>(column, |out, value| show_timestamp(out, value, 9));
            }
            DataType::Time32(TimeUnit::Second) => {
                self.numbers::<Time32SecondType>(column, |out, value| show_time(out, value.into(), 0));
            }
            DataType::Time32(_) => {
                self.numbers::<Time32MillisecondType>(column, |out, value| show_time(out, value.into(), 3));
            }
            DataType::Time64(TimeUnit::Microsecond) => {
                self.numbers::<Time64MicrosecondType>(column, |out, value| show_time(out, value, 6));
            }
            DataType::Time64(_) => self.numbers::<Time64NanosecondType>(column, |out, value| show_time(out, value, 9)),
            other => return Err(Error::Parquet(format!("values of type {other} are not supported"))),
        }
        Ok(())
    }
}

fn show_decimal(out: &mut Vec<u8>, value: i128, scale: i8) {
    let Ok(scale @ 1..=38) = usize::try_from(scale) else {
        let zeros = "0".repeat(usize::from(scale.unsigned_abs()));
        return show(out, format_args!("{value}{}", if scale == 0 || value == 0 { "" } else { &zeros }));
    };
    let unit = 10u128.pow(scale as u32);
    let sign = if value < 0 { "-" } else { "" };
    let size = value.unsigned_abs();
    show(out, format_args!("{sign}{}.{:0scale$}", size / unit, size % unit));
}

/// A day counted from 1970-01-01 as `YYYY-MM-DD` (H. Hinnant, "chrono-compatible low-level date algorithms").
fn show_date(out: &mut Vec<u8>, days: i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    show(out, format_args!("{year:04}-{month:02}-{day:02}"));
}

/// Time of day in units of 10^-digits seconds.
fn show_time(out: &mut Vec<u8>, value: i64, digits: u32) {
    let unit = 10i64.pow(digits);
    let seconds = value.div_euclid(unit);
    show(out, format_args!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60));
    if digits > 0 && value.rem_euclid(unit) != 0 {
        show(out, format_args!(".{:0width$}", value.rem_euclid(unit), width = digits as usize));
    }
}

fn show_timestamp(out: &mut Vec<u8>, value: i64, digits: u32) {
    let day = 86_400 * 10i64.pow(digits);
    show_date(out, value.div_euclid(day));
    out.push(b'T');
    show_time(out, value.rem_euclid(day), digits);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_dates_and_times() {
        let check = |show: &dyn Fn(&mut Vec<u8>), want: &str| {
            let mut out = Vec::new();
            show(&mut out);
            assert_eq!(String::from_utf8(out).unwrap(), want);
        };
        check(&|out| show_decimal(out, 12_345, 2), "123.45");
        check(&|out| show_decimal(out, -5, 3), "-0.005");
        check(&|out| show_decimal(out, 7, 0), "7");
        check(&|out| show_decimal(out, 7, -2), "700");
        check(&|out| show_date(out, 0), "1970-01-01");
        check(&|out| show_date(out, 19_782), "2024-02-29");
        check(&|out| show_date(out, -1), "1969-12-31");
        check(&|out| show_timestamp(out, 1_500, 3), "1970-01-01T00:00:01.500");
        check(&|out| show_timestamp(out, -1, 0), "1969-12-31T23:59:59");
        check(&|out| show_float(out, 3.0f64), "3");
        check(&|out| show_float(out, 0.1f32), "0.1");
        check(&|out| show_float(out, 1e300f64), "1e300");
        check(&|out| show_float(out, f64::INFINITY), "inf");
    }
}

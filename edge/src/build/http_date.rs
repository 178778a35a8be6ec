//! Dates as HTTP writes them.

/// Writes seconds since 1970 as `Sun, 06 Nov 1994 08:49:37 GMT`; `None` outside the years 1970 to 9999.
#[must_use]
pub fn http_date(seconds: i64) -> Option<String> {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] = ["Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec", "Jan", "Feb"];
    if !(0..253_402_300_800).contains(&seconds) {
        return None;
    }
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    // Years begin in March, so that the leap day is the last one; 400 of them have always the same number of days.
    let since_march = days + 719_468;
    let (era, of_era) = (since_march / 146_097, since_march % 146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let year = era * 400 + year + i64::from(month >= 10);
    let name = |names: &[&'static str], index: i64| usize::try_from(index).ok().and_then(|at| names.get(at).copied());
    Some(format!(
        "{}, {day:02} {} {year:04} {:02}:{:02}:{:02} GMT",
        name(&DAYS, days % 7)?,
        name(&MONTHS, month)?,
        second / 3600,
        second / 60 % 60,
        second % 60
    ))
}

#[cfg(test)]
mod tests {
    use super::http_date;
    use crate::conditional;
    use proptest::prelude::*;

    #[test]
    fn dates_are_written_as_the_standard_writes_them() {
        for (seconds, expected) in [
            (0, Some("Thu, 01 Jan 1970 00:00:00 GMT")),
            (784_111_777, Some("Sun, 06 Nov 1994 08:49:37 GMT")),
            (951_782_400, Some("Tue, 29 Feb 2000 00:00:00 GMT")),
            (253_402_300_799, Some("Fri, 31 Dec 9999 23:59:59 GMT")),
            (253_402_300_800, None),
            (-1, None),
        ] {
            assert_eq!(http_date(seconds).as_deref(), expected, "{seconds}");
        }
    }

    proptest! {
        #[test]
        fn written_dates_are_read_back(seconds in 0i64..253_402_300_800) {
            prop_assert_eq!(http_date(seconds).as_deref().and_then(conditional::http_date), Some(seconds));
        }
    }
}

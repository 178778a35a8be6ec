//! Rows of long lists, read by the order of their columns: looking each column up by its name takes longer than reading it.

/// Declares a row whose columns come in the order of its fields, under the same names; where assertions are checked, the
/// names are compared.
macro_rules! ordered_row {
    ($(#[$meta:meta])* struct $name:ident { $($field:ident: $type:ty),* $(,)? }) => {
        $(#[$meta])*
        struct $name { $($field: $type),* }

        impl<'r, R: sqlx::Row> sqlx::FromRow<'r, R> for $name
        where
            usize: sqlx::ColumnIndex<R>,
            $($type: sqlx::Decode<'r, R::Database> + sqlx::Type<R::Database>),*
        {
            fn from_row(row: &'r R) -> Result<Self, sqlx::Error> {
                let mut columns = 0..;
                let mut next = |name: &str| {
                    let index = columns.next().unwrap_or(usize::MAX);
                    debug_assert_eq!(sqlx::Column::name(row.column(index)), name);
                    index
                };
                Ok(Self { $($field: row.try_get(next(stringify!($field)))?),* })
            }
        }
    };
}
pub(super) use ordered_row;

//! Statements with their values, for either database.

use futures_util::TryStreamExt as _;
use futures_util::future::BoxFuture;
use sqlx::error::BoxDynError;
use sqlx::postgres::{PgArguments, PgConnection};
use sqlx::query::Query as SqlxQuery;
use sqlx::sqlite::{SqliteArguments, SqliteConnection};
use sqlx::{Arguments as _, Executor as _, Postgres, Sqlite};

use super::{Borrowed, Error, Param, Record};

/// A statement with its values.
#[must_use]
pub struct Query<'s> {
    run: Run<'s>,
    doubt: Doubt<'s>,
}

enum Run<'s> {
    Sqlite(&'s mut SqliteConnection, SqlxQuery<'static, Sqlite, SqliteArguments>),
    Postgres(&'s mut PgConnection, SqlxQuery<'static, Postgres, PgArguments>),
    /// Nothing was written before it, so it can be asked again through another connection.
    Reading(&'s mut Borrowed<Postgres>, &'static str, PgArguments),
    /// A value of it cannot be sent.
    Unfit(BoxDynError),
}

/// Where it is noted whether a connection's last statement was answered, if anybody wants to know.
struct Doubt<'s>(Option<&'s mut bool>);

impl Doubt<'_> {
    fn cast(&mut self) {
        if let Some(is_sound) = &mut self.0 {
            **is_sound = false;
        }
    }

    fn lift(self) {
        if let Some(is_sound) = self.0 {
            *is_sound = true;
        }
    }
}

impl<'s> Query<'s> {
    pub(super) fn sqlite(
        connection: &'s mut SqliteConnection,
        sql: &'static str,
        is_sound: Option<&'s mut bool>,
    ) -> Self {
        Self { run: Run::Sqlite(connection, sqlx::query(sql)), doubt: Doubt(is_sound) }
    }

    pub(super) fn postgres(connection: &'s mut PgConnection, sql: &'static str) -> Self {
        Self { run: Run::Postgres(connection, sqlx::query(sql)), doubt: Doubt(None) }
    }

    pub(super) fn reading(borrowed: &'s mut Borrowed<Postgres>, sql: &'static str) -> Self {
        Self { run: Run::Reading(borrowed, sql, PgArguments::default()), doubt: Doubt(None) }
    }

    /// Gives the next value.
    pub fn bind<'v>(self, value: impl Param<'v>) -> Self {
        let run = match self.run {
            Run::Sqlite(connection, query) => Run::Sqlite(connection, query.bind(value)),
            Run::Postgres(connection, query) => Run::Postgres(connection, query.bind(value)),
            Run::Reading(borrowed, sql, mut arguments) => match arguments.add(value) {
                Ok(()) => Run::Reading(borrowed, sql, arguments),
                Err(error) => Run::Unfit(error),
            },
            Run::Unfit(error) => Run::Unfit(error),
        };
        Self { run, doubt: self.doubt }
    }

    /// Gives the next value where there is one: for statements that come with and without it.
    pub fn bind_some<'v>(self, value: Option<impl Param<'v>>) -> Self {
        match value {
            Some(value) => self.bind(value),
            None => self,
        }
    }

    /// Runs it and returns how many rows it changed.
    pub async fn execute(self) -> Result<u64, Error> {
        let Self { run, mut doubt } = self;
        doubt.cast();
        let changed = match run {
            Run::Sqlite(connection, query) => query.execute(connection).await?.rows_affected(),
            Run::Postgres(connection, query) => query.execute(connection).await?.rows_affected(),
            Run::Reading(borrowed, sql, arguments) => {
                read(borrowed, sql, arguments, |connection, query| connection.execute(query)).await?.rows_affected()
            }
            Run::Unfit(error) => return Err(sqlx::Error::Encode(error).into()),
        };
        doubt.lift();
        Ok(changed)
    }

    /// Runs it and returns its first row, if there is one.
    pub async fn fetch_optional<T: Record>(self) -> Result<Option<T>, Error> {
        let Self { run, mut doubt } = self;
        doubt.cast();
        let record = match run {
            Run::Sqlite(connection, query) => {
                query.fetch_optional(connection).await?.map(|row| T::from_row(&row)).transpose()?
            }
            Run::Postgres(connection, query) => {
                query.fetch_optional(connection).await?.map(|row| T::from_row(&row)).transpose()?
            }
            Run::Reading(borrowed, sql, arguments) => {
                let row = read(borrowed, sql, arguments, |connection, query| connection.fetch_optional(query)).await?;
                row.map(|row| T::from_row(&row)).transpose()?
            }
            Run::Unfit(error) => return Err(sqlx::Error::Encode(error).into()),
        };
        doubt.lift();
        Ok(record)
    }

    /// Runs it and returns its one row.
    pub async fn fetch_one<T: Record>(self) -> Result<T, Error> {
        self.fetch_optional().await?.ok_or(Error::Database(sqlx::Error::RowNotFound))
    }

    /// Runs it and returns its rows.
    pub async fn fetch_all<T: Record>(self) -> Result<Vec<T>, Error> {
        let Self { run, mut doubt } = self;
        doubt.cast();
        let mut records = Vec::new();
        match run {
            Run::Sqlite(connection, query) => {
                let mut rows = query.fetch(connection);
                while let Some(row) = rows.try_next().await? {
                    records.push(T::from_row(&row)?);
                }
            }
            Run::Postgres(connection, query) => {
                let mut rows = query.fetch(connection);
                while let Some(row) = rows.try_next().await? {
                    records.push(T::from_row(&row)?);
                }
            }
            Run::Reading(borrowed, sql, arguments) => {
                let rows = read(borrowed, sql, arguments, |connection, query| connection.fetch_all(query)).await?;
                records = rows.iter().map(|row| T::from_row(row)).collect::<Result<_, _>>()?;
            }
            Run::Unfit(error) => return Err(sqlx::Error::Encode(error).into()),
        }
        doubt.lift();
        Ok(records)
    }
}

/// Reads through a connection, and through another one where the first was cut. On the heap: every future that has a
/// statement in it would be as large otherwise.
fn read<'b, T: Send>(
    borrowed: &'b mut Borrowed<Postgres>,
    sql: &'static str,
    arguments: PgArguments,
    ask: impl for<'c> Fn(&'c mut PgConnection, SqlxQuery<'static, Postgres, PgArguments>) -> Asking<'c, T>
    + Send
    + Sync
    + 'b,
) -> Asking<'b, T> {
    Box::pin(async move {
        let answer = match ask(asked(borrowed), sqlx::query_with(sql, arguments.clone())).await {
            Err(error) if borrowed.is_worth_another(&error) => {
                borrowed.renew().await?;
                ask(asked(borrowed), sqlx::query_with(sql, arguments)).await
            }
            other => other,
        }?;
        *borrowed.parts().1 = true;
        Ok(answer)
    })
}

type Asking<'c, T> = BoxFuture<'c, Result<T, sqlx::Error>>;

/// A connection with a statement under way, which nobody gets before it is answered.
fn asked(borrowed: &mut Borrowed<Postgres>) -> &mut PgConnection {
    let (connection, is_sound) = borrowed.parts();
    *is_sound = false;
    connection
}

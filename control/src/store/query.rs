//! Statements with their values, for either database.

use futures_util::TryStreamExt as _;
use sqlx::postgres::{PgArguments, PgConnection};
use sqlx::query::Query as SqlxQuery;
use sqlx::sqlite::{SqliteArguments, SqliteConnection};
use sqlx::{Postgres, Sqlite};

use super::{Error, Param, Record};

/// A statement with its values.
#[must_use]
pub struct Query<'s> {
    run: Run<'s>,
    doubt: Doubt<'s>,
}

enum Run<'s> {
    Sqlite(&'s mut SqliteConnection, SqlxQuery<'static, Sqlite, SqliteArguments>),
    Postgres(&'s mut PgConnection, SqlxQuery<'static, Postgres, PgArguments>),
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

    pub(super) fn postgres(
        connection: &'s mut PgConnection,
        sql: &'static str,
        is_sound: Option<&'s mut bool>,
    ) -> Self {
        Self { run: Run::Postgres(connection, sqlx::query(sql)), doubt: Doubt(is_sound) }
    }

    /// Gives the next value.
    pub fn bind<'v>(self, value: impl Param<'v>) -> Self {
        let run = match self.run {
            Run::Sqlite(connection, query) => Run::Sqlite(connection, query.bind(value)),
            Run::Postgres(connection, query) => Run::Postgres(connection, query.bind(value)),
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
        }
        doubt.lift();
        Ok(records)
    }
}

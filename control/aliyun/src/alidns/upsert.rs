//! A name made what it should be, whatever it was.

use super::{
    AddDomainRecord, Alidns, DeleteDomainRecord, DescribeDomainRecords, Record, UpdateDomainRecord,
    UpdateDomainRecordRemark,
};
use crate::{Error, ErrorKind};

/// As many records as a page has at most.
const PAGE: u32 = 500;

/// What a name should lead to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The zone.
    pub zone: String,
    /// The name inside of it: `@` for the zone itself.
    pub rr: String,
    /// `A`, `AAAA`, `CNAME`, `TXT`, …
    pub r#type: String,
    /// The value.
    pub value: String,
    /// How many seconds it may be kept.
    pub ttl: i64,
    /// What is noted beside our records. A record with another remark, or with none and another value, is somebody else's and
    /// never touched.
    pub remark: String,
}

impl Wanted {
    /// Whether `record` is ours: adding and noting are two calls, and what stopped between them still did the first.
    fn is_ours(&self, record: &Record) -> bool {
        record.remark == self.remark || (record.remark.is_empty() && record.value == self.value)
    }
}

/// What [`Alidns::set`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It was so.
    Nothing,
    /// A record was added.
    Added,
    /// Ours was changed, and those that were too many were removed.
    Updated,
}

impl Alidns {
    /// Makes `wanted` the only record of ours of its name and type. Doing it again is no error.
    ///
    /// Fails with [`ErrorKind::Conflict`] where a record is that is not ours: nothing is changed then.
    pub async fn set(&self, wanted: &Wanted) -> Result<Change, Error> {
        let records = self.records(wanted).await?;
        if let Some(other) = records.iter().find(|record| !wanted.is_ours(record)) {
            let name = format!("{}.{}", other.rr, other.domain_name);
            let message = format!("{name} has a record {} {} that is not ours", other.r#type, other.value);
            return Err(Error::new("Alidns", "AddDomainRecord", ErrorKind::Conflict, message));
        }
        let Wanted { zone, rr, r#type, value, ttl, remark } = wanted.clone();
        let Some((first, rest)) = records.split_first() else {
            let ttl = Some(ttl);
            let add = AddDomainRecord { domain_name: zone, rr, r#type, value, ttl, ..AddDomainRecord::default() };
            let record_id = match self.call(&add).await {
                Ok(added) => added.record_id,
                // Somebody was faster, or an attempt of ours did it although it failed.
                Err(error) if error.has_code("DomainRecordDuplicate") => match self.same(wanted).await? {
                    Some(record) => record.record_id,
                    None => return Err(error),
                },
                Err(error) => return Err(error),
            };
            self.note(record_id, &remark).await?;
            return Ok(Change::Added);
        };
        let is_right = first.value == value && first.ttl == ttl;
        if !is_right {
            let record_id = first.record_id.clone();
            let update =
                UpdateDomainRecord { record_id, rr, r#type, value, ttl: Some(ttl), ..UpdateDomainRecord::default() };
            match self.call(&update).await {
                // That nothing changes is what is wanted.
                Err(error) if !error.has_code("DomainRecordDuplicate") => return Err(error),
                _ => {}
            }
        }
        if first.remark != remark {
            self.note(first.record_id.clone(), &remark).await?;
        }
        for record in rest {
            self.delete(record).await?;
        }
        Ok(if is_right && rest.is_empty() { Change::Nothing } else { Change::Updated })
    }

    /// Removes the records of ours with `wanted`'s name and type; that there are none is no error.
    pub async fn remove(&self, wanted: &Wanted) -> Result<(), Error> {
        for record in self.records(wanted).await?.iter().filter(|record| wanted.is_ours(record)) {
            self.delete(record).await?;
        }
        Ok(())
    }

    async fn delete(&self, record: &Record) -> Result<(), Error> {
        match self.call(&DeleteDomainRecord { record_id: record.record_id.clone() }).await {
            Err(error) if error.kind != ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    async fn same(&self, wanted: &Wanted) -> Result<Option<Record>, Error> {
        Ok(self.records(wanted).await?.into_iter().find(|record| record.value == wanted.value))
    }

    async fn note(&self, record_id: String, remark: &str) -> Result<(), Error> {
        self.call(&UpdateDomainRecordRemark { record_id, remark: Some(remark.to_owned()) }).await.map(drop)
    }

    /// Returns all records of the name and the type.
    async fn records(&self, wanted: &Wanted) -> Result<Vec<Record>, Error> {
        let mut records = Vec::new();
        for page in 1.. {
            let list = DescribeDomainRecords {
                domain_name: wanted.zone.clone(),
                rr_key_word: Some(wanted.rr.clone()),
                type_key_word: Some(wanted.r#type.clone()),
                page_number: Some(page),
                page_size: Some(PAGE),
                ..DescribeDomainRecords::default()
            };
            let found = self.call(&list).await?.into_records();
            let more = found.len() >= PAGE as usize;
            // A key word finds names that merely contain it.
            let exact = |record: &Record| record.rr.eq_ignore_ascii_case(&wanted.rr) && record.r#type == wanted.r#type;
            records.extend(found.into_iter().filter(exact));
            if !more {
                break;
            }
        }
        Ok(records)
    }
}

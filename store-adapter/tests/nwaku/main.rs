//! Databases as nwaku makes them, read to move in.

#[cfg(test)]
mod postgres;
#[cfg(test)]
mod sqlite;

#[cfg(test)]
mod support {
    use store_adapter::WakuMessage;
    use store_adapter::nwaku::{NwakuDatabase, NwakuRow, NwakuUrl};

    pub(crate) const TOPIC: &str = "/waku/2/rs/99/0";

    /// A message told from others by its time and number; every third one has meta.
    pub(crate) fn message(time: i64, number: usize) -> WakuMessage {
        WakuMessage {
            payload: number.to_be_bytes().to_vec(),
            content_topic: "/test/1/größe/proto".into(),
            version: Some(1),
            timestamp: Some(time),
            meta: number.is_multiple_of(3).then(|| vec![7; 64]),
            ..WakuMessage::default()
        }
    }

    /// So many messages; two share each time.
    pub(crate) fn messages(count: usize) -> Vec<WakuMessage> {
        let time = |number: usize| 1_700_000_000_000_000_000 + (number as i64 / 2) * 1_000_000;
        (0..count)
            .map(|number| message(time(number), number))
            .collect()
    }

    pub(crate) async fn read_all(url: &str) -> Vec<NwakuRow> {
        let url = NwakuUrl::parse(url).unwrap();
        let mut database = NwakuDatabase::open(&url).await.unwrap();
        let mut rows = Vec::new();
        loop {
            let batch = database.next().await.unwrap();
            if batch.is_empty() {
                return rows;
            }
            rows.extend(batch);
        }
    }

    /// Why a database isn't read, in words.
    pub(crate) async fn refusal(url: &str) -> String {
        let url = NwakuUrl::parse(url).unwrap();
        NwakuDatabase::open(&url).await.unwrap_err().to_string()
    }

    /// That the rows are these messages, in the order of time.
    pub(crate) fn assert_holds(rows: &[NwakuRow], expected: &[WakuMessage]) {
        assert!(rows.is_sorted_by_key(|row| row.timestamp));
        let mut messages: Vec<WakuMessage> = rows
            .iter()
            .map(|row| {
                let (topic, message) = row.message.clone().unwrap();
                assert_eq!(topic, TOPIC);
                assert_eq!(message.timestamp, Some(row.timestamp));
                message
            })
            .collect();
        messages.sort_by(|one, other| one.payload.cmp(&other.payload));
        assert_eq!(messages, expected);
    }
}

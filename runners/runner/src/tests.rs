//! Tests of the output stream.

use std::time::Duration;

use st2_model::OutputStream::{Output as Own, Stderr, Stdout};

use crate::{Outputs, output};

const PATIENCE: Duration = Duration::from_millis(50);

async fn all(mut outputs: Outputs) -> Vec<(st2_model::OutputStream, String)> {
    let mut all = Vec::new();
    while let Some(pieces) = outputs.next(PATIENCE).await {
        all.extend(pieces.into_iter().map(|piece| (piece.stream, piece.text)));
    }
    all
}

#[tokio::test(start_paused = true)]
async fn writes_of_one_stream_come_together_and_order_is_kept() {
    let (writer, reader) = output(1_000, 100);
    writer.write(Stdout, "a\n");
    writer.write(Stdout, "b\n");
    writer.write(Stderr, "c\n");
    writer.write(Stdout, "d\n");
    drop(writer);
    let expected = [(Stdout, "a\nb\n"), (Stderr, "c\n"), (Stdout, "d\n")];
    let expected = expected.map(|(stream, text)| (stream, text.to_owned()));
    assert_eq!(all(reader).await, expected);
}

#[tokio::test(start_paused = true)]
async fn a_batch_waits_for_more_but_not_for_long() {
    let (writer, mut reader) = output(1_000, 100);
    let start = tokio::time::Instant::now();
    writer.write(Stdout, "slow\n");
    assert_eq!(reader.next(PATIENCE).await.unwrap().len(), 1);
    assert_eq!(start.elapsed(), PATIENCE);
    writer.write(Stdout, &"x".repeat(100));
    assert_eq!(reader.next(PATIENCE).await.unwrap().len(), 1);
    assert_eq!(start.elapsed(), PATIENCE, "a full batch does not wait");
}

#[tokio::test(start_paused = true)]
async fn output_beyond_the_bound_is_counted() {
    let (writer, reader) = output(10, 5);
    writer.write(Stdout, "12345678\n");
    writer.write(Stdout, "too much\n");
    drop(writer);
    let all = all(reader).await;
    assert_eq!(all[0], (Stdout, "12345678\n".to_owned()));
    assert_eq!(all[1].0, Own);
    assert!(all[1].1.contains("9 bytes"), "{}", all[1].1);
}

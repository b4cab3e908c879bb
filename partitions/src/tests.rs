//! Names, keys and answers.

use super::*;

fn refs(texts: &[&str]) -> Vec<ResourceRef> {
    texts.iter().map(|text| text.parse().expect("a ref")).collect()
}

#[tokio::test]
async fn default_takes_all_and_single_takes_one() {
    let all = refs(&["linux.FileWatchSensor", "demo.S"]);
    let default = provider("name:Default").expect("a provider");
    assert_eq!(default.assignment(&all).await, Ok(all.clone()));
    let single = SingleProvider::of(all[1].clone());
    assert_eq!(single.assignment(&all).await, Ok(refs(&["demo.S"])));
    let missing = single.assignment(&all[..1]).await;
    assert_eq!(missing, Err(PartitionError::UnknownSensor("demo.S".to_owned())));
}

#[test]
fn what_can_not_be_read_is_named() {
    let error = |text: &str| provider(text).err().expect(text).to_string();
    assert_eq!(error("name:nope"), "Partition provider nope not found.");
    assert!(error("default").contains("key:value"));
    assert!(error("").contains("\"name\" is missing"));
    assert!(error("name:default, file:x").contains("\"file\""));
}

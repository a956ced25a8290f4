// SPDX-License-Identifier: Apache-2.0
// The AWS SDK for Rust without any argument of ours: prints the SHA-256 of every object below a prefix as JSON. Reads
// it again and again while it moves the clock that it shares with the server. usage: PROGRAM BUCKET PREFIX HOPS
use sha2::{Digest, Sha256};
use std::{collections::BTreeMap, env, error::Error, fs};

type Found = BTreeMap<String, String>;

async fn read(s3: &aws_sdk_s3::Client, bucket: &str, prefix: &str) -> Result<Found, Box<dyn Error>> {
    let mut found = Found::new();
    let mut pages = s3.list_objects_v2().bucket(bucket).prefix(prefix).max_keys(4).into_paginator().send();
    while let Some(page) = pages.next().await {
        for item in page?.contents() {
            let key = item.key().ok_or("an object without a key")?;
            let body = s3.get_object().bucket(bucket).key(key).send().await?.body.collect().await?;
            let hash: String = Sha256::digest(body.to_vec()).iter().map(|byte| format!("{byte:02x}")).collect();
            found.insert(key[prefix.len()..].to_string(), hash);
        }
    }
    Ok(found)
}

fn move_clock(seconds: u64) -> Result<(), Box<dyn Error>> {
    let offset = env::var("FAKETIME_TIMESTAMP_FILE")?;
    let now: u64 = fs::read_to_string(&offset)?.trim().trim_start_matches('+').parse()?;
    fs::write(format!("{offset}.new"), format!("+{}\n", now + seconds))?;
    fs::rename(format!("{offset}.new"), offset)?;
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().collect();
    let settings = aws_config::load_from_env().await;
    let s3 = aws_sdk_s3::Client::from_conf(aws_sdk_s3::config::Builder::from(&settings).force_path_style(true).build());
    let first = read(&s3, &arguments[1], &arguments[2]).await?;
    for _ in 0..arguments[3].parse()? {
        move_clock(70 * 60)?;
        if read(&s3, &arguments[1], &arguments[2]).await? != first {
            return Err("read something else".into());
        }
    }
    println!("{}", serde_json::to_string(&first)?);
    Ok(())
}

// SPDX-License-Identifier: Apache-2.0
// The AWS SDK for Go v2 without any argument of ours: prints the SHA-256 of every object below a prefix as JSON, read
// again and again for some seconds. usage: PROGRAM BUCKET PREFIX SECONDS
package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"os"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

func read(ctx context.Context, client *s3.Client, bucket, prefix string) (map[string]string, error) {
	found := map[string]string{}
	pages := s3.NewListObjectsV2Paginator(client, &s3.ListObjectsV2Input{
		Bucket: &bucket, Prefix: &prefix, MaxKeys: aws.Int32(4)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, item := range page.Contents {
			object, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: item.Key})
			if err != nil {
				return nil, err
			}
			hash := sha256.New()
			_, err = io.Copy(hash, object.Body)
			object.Body.Close()
			if err != nil {
				return nil, err
			}
			found[strings.TrimPrefix(*item.Key, prefix)] = hex.EncodeToString(hash.Sum(nil))
		}
	}
	return found, nil
}

func main() {
	bucket, prefix := os.Args[1], os.Args[2]
	seconds, err := strconv.Atoi(os.Args[3])
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	settings, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		log.Fatal(err)
	}
	client := s3.NewFromConfig(settings, func(o *s3.Options) { o.UsePathStyle = true })
	first, err := read(ctx, client, bucket, prefix)
	for until := time.Now().Add(time.Duration(seconds) * time.Second); err == nil && time.Now().Before(until); {
		time.Sleep(500 * time.Millisecond)
		var again map[string]string
		if again, err = read(ctx, client, bucket, prefix); err == nil && !reflect.DeepEqual(first, again) {
			err = fmt.Errorf("read %d objects first and later %d others", len(first), len(again))
		}
	}
	if err != nil {
		log.Fatal(err)
	}
	json.NewEncoder(os.Stdout).Encode(first)
}

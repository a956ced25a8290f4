// SPDX-License-Identifier: Apache-2.0
// The XML of one page of 1000 keys, as exports name them.
#include <benchmark/benchmark.h>

#include "s3/listing.h"

namespace valetkey::s3 {
namespace {

void list_xml_1000_keys(benchmark::State& state) {
  ListRequest request;
  request.bucket = "optimizely-events-data";
  request.account = "12345";
  request.prefix = "v1/account_id=12345/";
  request.version_2 = true;
  request.url_encoding = state.range(0) != 0;
  storage::ListPage page;
  for (int i = 0; i < 1000; ++i) {
    storage::ListEntry entry;
    entry.info.key = request.prefix + "type=decisions/date=2020-09-14/experiment=" +
                     std::to_string(9'000'000'000 + i) +
                     "/part-00000-11111111-2222-4333-8444-555555555555.c000.snappy.parquet";
    entry.info.size = 123'456;
    entry.info.etag = "d41d8cd98f00b204e9800998ecf8427e";
    entry.info.modified = from_epoch_ms(1'600'000'000'000 + i);
    page.entries.push_back(std::move(entry));
  }
  for (auto _ : state) benchmark::DoNotOptimize(list_xml(request, page, "token"));
}
BENCHMARK(list_xml_1000_keys)->Arg(0)->Arg(1);

}  // namespace
}  // namespace valetkey::s3

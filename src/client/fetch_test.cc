// SPDX-License-Identifier: Apache-2.0
#include "client/fetch.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "base/crypto.h"
#include "base/testing/temporary_folder.h"
#include "client/folder.h"
#include "client/testing/export.h"

namespace valetkey::client {
namespace {

namespace fs = std::filesystem;

// An object that comes as a whole, or one that comes in ranges.
struct Fetching : World, testing::TestWithParam<bool> {
  Fetching() {
    std::string content(GetParam() ? kSplitAbove + 100'001 : 50'000, '\0');
    for (std::size_t i = 0; i < content.size(); ++i)
      content[i] = static_cast<char>(i * 7 + i / 251);
    service.objects[kName] = content;
  }

  static std::string checksum_of(std::string_view content) {
    std::string bytes;
    for (int shift = 24; shift >= 0; shift -= 8)
      bytes += static_cast<char>(crc32(0, content) >> shift & 0xFF);
    return base64(bytes);
  }
  // Fetches it as an object of that ETag.
  Result<void> bring(const std::string& etag) {
    service.etags[kName] = etag;
    VALETKEY_TRY(auto folder, Folder::open(base, "s"));
    Session session(loop, client, clock, session_options());
    Export data(loop, client, session, clock);
    TransferTotals totals;
    return run(fetch(data, *folder, {{kName, etag, content().size(), {}}}, {4, {}, {}}, totals));
  }
  const std::string& content() const { return service.objects.at(kName); }
  bool arrived() const {
    const auto there = read_file(base / kName, 1 << 30);
    return there && *there == content();
  }

  static constexpr const char* kName = "type=events/part";
  TemporaryFolder temporary;
  fs::path base = temporary.path();
};

TEST_P(Fetching, ChecksTheChecksumWhereThereIsOne) {
  service.checksums[kName] = checksum_of(content());
  const auto fetched = bring(std::string(32, '0'));
  ASSERT_TRUE(fetched) << fetched.error().detail;
  EXPECT_TRUE(arrived());
}

TEST_P(Fetching, SaysThatTheChecksumIsNotThatOfTheContent) {
  service.checksums[kName] = checksum_of("something else");
  const auto fetched = bring(md5_hex(content()));
  ASSERT_FALSE(fetched);
  EXPECT_NE(fetched.error().detail.find("CRC-32 is not"), std::string::npos);
  EXPECT_FALSE(fs::exists(base / kName));
}

TEST_P(Fetching, ChecksTheMd5WhereThereIsNoChecksum) {
  ASSERT_TRUE(bring(md5_hex(content())));
  EXPECT_TRUE(arrived());
}

TEST_P(Fetching, SaysThatTheMd5IsNotThatOfTheContent) {
  const auto fetched = bring(std::string(32, '0'));
  ASSERT_FALSE(fetched);
  EXPECT_NE(fetched.error().detail.find("MD5 is not its ETag"), std::string::npos);
  EXPECT_FALSE(fs::exists(base / kName));
}

TEST_P(Fetching, TakesAnETagThatIsNoMd5ForWhatItIs) {
  ASSERT_TRUE(bring("0123-2"));
  EXPECT_TRUE(arrived());
}

INSTANTIATE_TEST_SUITE_P(WholeOrInRanges, Fetching, testing::Bool());

}  // namespace
}  // namespace valetkey::client

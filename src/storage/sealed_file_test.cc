// SPDX-License-Identifier: Apache-2.0
#include "storage/sealed_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include "base/encoding.h"
#include "storage/data_key.h"
#include "storage/testing/disk_fixture.h"

namespace valetkey::storage {
namespace {

const Secret kKey(std::string(32, '\x11'));

ObjectId fixed_id() {
  ObjectId id;
  for (std::size_t i = 0; i < id.bytes.size(); ++i) id.bytes[i] = static_cast<std::uint8_t>(i);
  return id;
}

class SealedFile : public testing::Test {
 protected:
  std::filesystem::path path() const { return folder_.path() / "file"; }

  // The bytes of the file that holds `plain`.
  std::string seal(std::string_view plain, std::size_t step = 1'000'000) {
    auto file = open_file(path(), O_WRONLY | O_CREAT | O_TRUNC);
    SealedWriter writer(std::move(*file), "file", fixed_id(), kKey);
    for (std::size_t at = 0; at < plain.size(); at += step)
      EXPECT_TRUE(writer.write(plain.substr(at, step)));
    content_ = writer.finish().value();
    return read_file(path(), 10'000'000).value();
  }
  // The content of such bytes, or nothing.
  std::optional<std::string> unseal(std::string_view bytes, std::uint64_t size,
                                    const ObjectId& id = fixed_id()) {
    EXPECT_TRUE(replace_file(path(), bytes));
    auto reader =
        SealedReader::open(std::move(*open_file(path(), O_RDONLY)), "file", id, kKey, size);
    if (!reader) return std::nullopt;
    std::string plain(size, '\0');
    const auto got = reader->read(0, plain, ReadMode::blocking);
    if (!got) return std::nullopt;
    EXPECT_EQ(*got, size);
    return plain;
  }

  TemporaryFolder folder_;
  SealedContent content_;
};

TEST_F(SealedFile, HasTheBytesOfTheFormat) {
  // Made by an independent implementation (Python, cryptography's AESGCM).
  std::string pattern;
  for (unsigned i = 0; i < 200'000; ++i) pattern.push_back(static_cast<char>(i * 31 + (i >> 8)));
  EXPECT_EQ(hex(seal("hello")),
            "564b534601100000"
            "000102030405060708090a0b0c0d0e0f"
            "a1ee64a467cfab18cddf73db38987c728f6e78a30f");
  EXPECT_EQ(hex(seal("")),
            "564b534601100000"
            "000102030405060708090a0b0c0d0e0f"
            "a9f5374bd6d2953b721fdb243af9b255");
  EXPECT_EQ(sha256_hex(seal(pattern)),
            "c4a9d8aa6f1c28df95af0b6c80c2da819ec58e4d0861f52ecce3ef9c527aa8d8");
}

TEST_F(SealedFile, TellsSizeMd5AndCrc32) {
  seal("123456789", 4);
  EXPECT_EQ(content_.size, 9U);
  EXPECT_EQ(content_.crc32, 0xCBF43926U);
  EXPECT_EQ(hex({reinterpret_cast<const char*>(content_.md5.data()), 16}),
            "25f9e794323b453885f5181f1b624d0b");
}

TEST_F(SealedFile, DoesNotDependOnHowItWasWritten) {
  const std::string plain = some_bytes(400'000);
  const std::string sealed = seal(plain);
  for (const std::size_t step : {65'536, 65'537, 9'999, 262'144, 131'071})
    EXPECT_EQ(seal(plain, step), sealed) << step;
}

TEST_F(SealedFile, HasTheSizeThatItsContentSays) {
  for (const std::size_t size : {0, 1, 65'536, 65'537, 300'000})
    EXPECT_EQ(seal(some_bytes(size)).size(), sealed_size(size));
}

TEST_F(SealedFile, FailsToReadWithAnyBitFlipped) {
  const std::string plain = "a small file";
  const std::string sealed = seal(plain);
  ASSERT_EQ(unseal(sealed, plain.size()), plain);
  for (std::size_t bit = 0; bit < sealed.size() * 8; ++bit) {
    std::string flipped = sealed;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_FALSE(unseal(flipped, plain.size())) << "bit " << bit;
  }
}

TEST_F(SealedFile, FailsToReadTruncatedOrExtended) {
  const std::string plain = some_bytes(131'072);
  const std::string sealed = seal(plain);
  for (const std::size_t size : {0UL, 23UL, 24UL, 24 + kSealedChunkBytes, sealed.size() - 1})
    EXPECT_FALSE(unseal(sealed.substr(0, size), plain.size())) << size;
  EXPECT_FALSE(unseal(sealed + "x", plain.size()));
  // At a chunk's border, with the size that fits: the flag of the last chunk tells.
  EXPECT_FALSE(unseal(sealed.substr(0, 24 + kSealedChunkBytes), 65'536));
  EXPECT_FALSE(unseal(sealed + seal("").substr(24), 131'072));
}

TEST_F(SealedFile, FailsToReadWithChunksSwapped) {
  const std::string plain = some_bytes(200'000);
  std::string sealed = seal(plain);
  std::swap_ranges(sealed.begin() + 24, sealed.begin() + 24 + kSealedChunkBytes,
                   sealed.begin() + 24 + kSealedChunkBytes);
  EXPECT_FALSE(unseal(sealed, plain.size()));
}

TEST_F(SealedFile, FailsToReadUnderAnotherObjectId) {
  const std::string sealed = seal("abc");
  EXPECT_FALSE(unseal(sealed, 3, ObjectId::make()));
}

TEST_F(SealedFile, ReadsTheGoodChunksOfAFileWithABadOne) {
  const std::string plain = some_bytes(500'000);
  std::string sealed = seal(plain);
  sealed[24 + 5 * kSealedChunkBytes + 7] ^= 1;
  ASSERT_TRUE(replace_file(path(), sealed));
  auto reader = SealedReader::open(std::move(*open_file(path(), O_RDONLY)), "file", fixed_id(),
                                   kKey, plain.size());
  ASSERT_TRUE(reader);
  std::string out(5 * kChunkBytes, '\0');
  EXPECT_EQ(reader->read(0, out, ReadMode::blocking), out.size());
  EXPECT_EQ(out, plain.substr(0, out.size()));
  EXPECT_EQ(reader->read(out.size() + 9, out, ReadMode::blocking).error(), ReadFailure::corrupt);
  EXPECT_EQ(reader->failed_chunk(), 5U);
  EXPECT_EQ(reader->read(6 * kChunkBytes, out, ReadMode::blocking), 500'000 - 6 * kChunkBytes);
}

TEST_F(SealedFile, NoticesAFileThatShrinksWhileItIsRead) {
  const std::string plain = some_bytes(500'000);
  seal(plain);
  auto reader = SealedReader::open(std::move(*open_file(path(), O_RDONLY)), "file", fixed_id(),
                                   kKey, plain.size());
  ASSERT_TRUE(reader);
  std::filesystem::resize_file(path(), 300'000);
  std::string out(500'000, '\0');
  EXPECT_EQ(reader->read(0, out, ReadMode::blocking).error(), ReadFailure::corrupt);
}

TEST_F(SealedFile, ReadsFromMemoryWithoutBlocking) {
  const std::string plain = some_bytes(300'000);
  seal(plain);
  auto reader = SealedReader::open(std::move(*open_file(path(), O_RDONLY)), "file", fixed_id(),
                                   kKey, plain.size());
  ASSERT_TRUE(reader);
  std::string out(300'000, '\0');
  const auto got = reader->read(0, out, ReadMode::cached_only);
  // A file system without RWF_NOWAIT says that it would block.
  if (got)
    EXPECT_EQ(out, plain);
  else
    EXPECT_EQ(got.error(), ReadFailure::would_block);
}

TEST_F(SealedFile, ReportsAWriteThatFails) {
  SealedWriter writer(std::move(*open_file("/dev/full", O_WRONLY)), "the file", fixed_id(), kKey);
  ASSERT_TRUE(writer.write("abc"));
  const auto finished = writer.finish();
  ASSERT_FALSE(finished);
  EXPECT_EQ(finished.error().code, ErrorCode::full);
  EXPECT_NE(finished.error().detail.find("the file"), std::string::npos);
  EXPECT_FALSE(writer.write("more"));
}

}  // namespace
}  // namespace valetkey::storage

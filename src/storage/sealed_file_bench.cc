// SPDX-License-Identifier: Apache-2.0
// Sealed files against bare loops that do the same work without them.
#include <benchmark/benchmark.h>
#include <fcntl.h>

#include <filesystem>

#include "base/testing/temporary_folder.h"
#include "storage/data_key.h"
#include "storage/sealed_file.h"

namespace valetkey::storage {
namespace {

constexpr std::size_t kBytes = 64 << 20;
const Secret kKey(std::string(32, 'k'));

FileDescriptor open_bench_file(int flags) {
  static const TemporaryFolder folder(std::filesystem::temp_directory_path());
  return std::move(*open_file(folder.path() / "file", flags));
}

void write_sealed(benchmark::State& state) {
  const std::string plain(256 * 1024, 'p');
  while (state.KeepRunning()) {
    SealedWriter writer(open_bench_file(O_WRONLY | O_CREAT | O_TRUNC), "f", ObjectId(), kKey);
    for (std::size_t at = 0; at < kBytes; at += plain.size())
      if (!writer.write(plain)) state.SkipWithError("write");
    if (!writer.finish()) state.SkipWithError("finish");
  }
  state.SetBytesProcessed(state.iterations() * kBytes);
}

void write_bare(benchmark::State& state) {
  const std::string plain(256 * 1024, 'p');
  std::string sealed(plain.size() + 4 * kAesTagBytes, '\0');
  while (state.KeepRunning()) {
    const auto file = open_bench_file(O_WRONLY | O_CREAT | O_TRUNC);
    AesGcm aes(kKey.reveal());
    Md5 md5;
    std::uint64_t chunk = 0;
    for (std::size_t at = 0; at < kBytes; at += plain.size()) {
      md5.update(plain);
      for (std::size_t i = 0; i < 4; ++i) {
        const auto nonce = chunk_nonce(chunk++, false);
        aes.seal({nonce.data(), nonce.size()}, {},
                 std::string_view(plain).substr(i * kChunkBytes, kChunkBytes),
                 sealed.data() + i * kSealedChunkBytes);
      }
      if (!write_all(file.get(), sealed, "f")) state.SkipWithError("write");
    }
    benchmark::DoNotOptimize(md5.finish());
    if (!sync_file(file.get(), "f")) state.SkipWithError("sync");
  }
  state.SetBytesProcessed(state.iterations() * kBytes);
}

void read_sealed(benchmark::State& state) {
  {
    SealedWriter writer(open_bench_file(O_WRONLY | O_CREAT | O_TRUNC), "f", ObjectId(), kKey);
    if (!writer.write(std::string(kBytes, 'p')) || !writer.finish()) state.SkipWithError("write");
  }
  std::string out(256 * 1024, '\0');
  while (state.KeepRunning()) {
    auto reader = SealedReader::open(open_bench_file(O_RDONLY), "f", ObjectId(), kKey, kBytes);
    for (std::size_t at = 0; at < kBytes; at += out.size())
      if (!reader->read(at, out, ReadMode::cached_only) &&
          !reader->read(at, out, ReadMode::blocking))
        state.SkipWithError("read");
  }
  state.SetBytesProcessed(state.iterations() * kBytes);
}

void read_bare(benchmark::State& state) {
  std::string sealed(4 * kSealedChunkBytes, '\0');
  std::string out(256 * 1024, '\0');
  while (state.KeepRunning()) {
    const auto file = open_bench_file(O_RDONLY);
    AesGcm aes(kKey.reveal());
    for (std::uint64_t chunk = 0; chunk < kBytes / kChunkBytes; chunk += 4) {
      if (!read_exactly(file.get(), kSealedHeaderBytes + chunk * kSealedChunkBytes, sealed, "f"))
        state.SkipWithError("read");
      for (std::size_t i = 0; i < 4; ++i) {
        const auto nonce = chunk_nonce(chunk + i, chunk + i + 1 == kBytes / kChunkBytes);
        if (!aes.open({nonce.data(), nonce.size()}, {},
                      std::string_view(sealed).substr(i * kSealedChunkBytes, kSealedChunkBytes),
                      out.data() + i * kChunkBytes))
          state.SkipWithError("open");
      }
    }
  }
  state.SetBytesProcessed(state.iterations() * kBytes);
}

BENCHMARK(write_bare)->Unit(benchmark::kMillisecond);
BENCHMARK(write_sealed)->Unit(benchmark::kMillisecond);
BENCHMARK(read_sealed)->Unit(benchmark::kMillisecond);
BENCHMARK(read_bare)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace valetkey::storage

// SPDX-License-Identifier: Apache-2.0
// The floor under an import: read, MD5, encrypt, write, fsync, by as many workers, nothing else.
// usage: bare_import SOURCE_FOLDER DESTINATION_FOLDER WORKERS (prints the seconds that it took)
#include <atomic>
#include <chrono>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "bare_cipher.h"

namespace valetkey::bench {
namespace {

void copy_sealed(const std::filesystem::path& from, const std::filesystem::path& to, Cipher& cipher,
                 EVP_MD_CTX* md5, std::vector<unsigned char>& plain,
                 std::vector<unsigned char>& sealed) {
  const auto in =
      static_cast<int>(checked(::open(from.c_str(), O_RDONLY | O_CLOEXEC), from.c_str()));
  const auto out = static_cast<int>(
      checked(::open(to.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600), to.c_str()));
  EVP_DigestInit_ex(md5, EVP_md5(), nullptr);
  std::uint32_t number = 0;
  for (;;) {
    const auto got =
        static_cast<std::size_t>(checked(::read(in, plain.data(), plain.size()), "read"));
    if (got == 0) break;
    EVP_DigestUpdate(md5, plain.data(), got);
    std::size_t filled = 0;
    for (std::size_t at = 0; at < got; at += kChunk) {
      const std::size_t size = std::min(kChunk, got - at);
      cipher.run(number++, plain.data() + at, size, sealed.data() + filled);
      filled += size + kTag;
    }
    write_all(out, sealed.data(), filled);
  }
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  EVP_DigestFinal_ex(md5, digest.data(), nullptr);
  checked(::fsync(out), "fsync");
  ::close(in);
  ::close(out);
}

void work(const std::vector<std::filesystem::path>& files, const std::filesystem::path& destination,
          std::atomic<std::size_t>& next) {
  Cipher cipher(Cipher::Way::seal);
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> md5(EVP_MD_CTX_new(),
                                                                    EVP_MD_CTX_free);
  std::vector<unsigned char> plain(kBatch * kChunk);
  std::vector<unsigned char> sealed(kBatch * (kChunk + kTag));
  for (std::size_t i = next++; i < files.size(); i = next++)
    copy_sealed(files[i], destination / std::to_string(i), cipher, md5.get(), plain, sealed);
}

}  // namespace
}  // namespace valetkey::bench

int main(int argc, char** argv) {
  using namespace valetkey::bench;
  if (argc != 4) {
    std::fputs("usage: bare_import SOURCE_FOLDER DESTINATION_FOLDER WORKERS\n", stderr);
    return 2;
  }
  const auto start = std::chrono::steady_clock::now();
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(argv[1]))
    if (entry.is_regular_file()) files.push_back(entry.path());
  std::atomic<std::size_t> next = 0;
  std::vector<std::thread> workers;
  for (long n = std::strtol(argv[3], nullptr, 10); n > 0; --n)
    workers.emplace_back([&] { work(files, argv[2], next); });
  for (auto& worker : workers) worker.join();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  std::printf("%.6f\n", took.count());
}

// SPDX-License-Identifier: Apache-2.0
// The reader of sealed files on any bytes: it returns what was sealed, or fails. Also the names
// that a disk may hold, and the wrapped data key of a row.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>

#include "storage/data_key.h"
#include "storage/sealed_file.h"

namespace {

using namespace valetkey;
using namespace valetkey::storage;

const Secret kKey(std::string(32, '\x11'));

void read_all(std::string_view bytes, std::uint64_t size) {
  FileDescriptor file(memfd_create("fuzz", MFD_CLOEXEC));
  if (!write_all(file.get(), bytes, "fuzz")) return;
  auto reader = SealedReader::open(std::move(file), "fuzz", ObjectId(), kKey, size);
  if (!reader) return;
  std::string plain(size + 1, '\0');
  const auto got = reader->read(0, plain, ReadMode::blocking);
  if (!got) return;
  // Only the seeds authenticate: those hold nothing but the letter s.
  if (*got != size || plain.find_first_not_of('s') != size) std::abort();
}

void open_key(std::string_view bytes) {
  static const Keyring keyring = Keyring::make(Timestamp());
  const WrappedKey wrapped{keyring.active(KeyPurpose::object, Timestamp())->id, std::string(bytes)};
  if (unwrap_data_key(keyring, wrapped, {ObjectId(), "b", "k", 0, bytes})) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  constexpr std::size_t kLeast = kSealedHeaderBytes + kAesTagBytes;
  if (size >= kLeast && size < kSealedChunkBytes) read_all(bytes, size - kLeast);
  open_key(bytes);
  if (const auto id = ObjectId::parse(bytes); id && id->str() != bytes) std::abort();
  return 0;
}

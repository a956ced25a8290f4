// SPDX-License-Identifier: Apache-2.0
// What every source of keys must do, on each form: a file, memory, and the faulty one.
#include <gtest/gtest.h>

#include "base/file.h"
#include "base/testing/faulty_keys.h"
#include "base/testing/key_source_conformance.h"
#include "base/testing/memory_keys.h"
#include "base/testing/temporary_folder.h"

namespace valetkey {
namespace {

class InFile final : public KeysUnderTest {
 public:
  InFile() {
    EXPECT_TRUE(write_keyring(path_, first_keyring(), false));
    source_ = FileKeySource::open(path_).value();
  }
  KeySource& source() override { return *source_; }
  void write(const Keyring& keyring) override { EXPECT_TRUE(write_keyring(path_, keyring, true)); }
  bool spoil() override { return replace_file(path_, "nonsense").has_value(); }

 private:
  TemporaryFolder folder_;
  std::filesystem::path path_ = folder_.path() / "data.keyring";
  std::unique_ptr<FileKeySource> source_;
};
class InMemory final : public KeysUnderTest {
 public:
  KeySource& source() override { return keys_; }
  void write(const Keyring& keyring) override { keys_.set(keyring); }
  bool spoil() override { return false; }

 private:
  MemoryKeys keys_{first_keyring()};
};
class Faulty final : public KeysUnderTest {
 public:
  KeySource& source() override { return faulty_; }
  void write(const Keyring& keyring) override { keys_.set(keyring); }
  bool spoil() override {
    calls_.fail_from(1);
    return true;
  }

 private:
  MemoryKeys keys_{first_keyring()};
  FaultyCalls calls_;
  FaultyKeys faulty_{keys_, calls_};
};
template <class T>
std::unique_ptr<KeysUnderTest> make() {
  return std::make_unique<T>();
}
std::string form_name(const testing::TestParamInfo<MakeKeysUnderTest>& info) {
  constexpr const char* kNames[] = {"File", "Memory", "Faulty"};
  return kNames[info.index];
}
INSTANTIATE_TEST_SUITE_P(Forms, KeySourceConformance,
                         testing::Values(&make<InFile>, &make<InMemory>, &make<Faulty>), form_name);

}  // namespace
}  // namespace valetkey

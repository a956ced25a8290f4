// SPDX-License-Identifier: Apache-2.0
#include "storage/faulty_store.h"

namespace valetkey::storage {
namespace {

class FaultyReader final : public ObjectReader {
 public:
  FaultyReader(FaultyStore& store, std::unique_ptr<ObjectReader> inner)
      : store_(store), inner_(std::move(inner)) {}
  const ObjectInfo& info() const override { return inner_->info(); }
  Result<std::size_t, ReadFailure> read(std::uint64_t offset, std::span<char> out,
                                        ReadMode mode) override {
    if (!store_.count_call()) return std::unexpected(store_.read_failure());
    return inner_->read(offset, out, mode);
  }

 private:
  FaultyStore& store_;
  std::unique_ptr<ObjectReader> inner_;
};

class FaultyWriter final : public ObjectWriter {
 public:
  FaultyWriter(FaultyStore& store, std::unique_ptr<ObjectWriter> inner)
      : store_(store), inner_(std::move(inner)) {}
  Result<void> write(std::string_view bytes) override {
    VALETKEY_CHECK(store_.count_call());
    return inner_->write(bytes);
  }
  Result<std::unique_ptr<StagedObject>> finish(std::optional<std::uint64_t> rows) override {
    VALETKEY_CHECK(store_.count_call());
    return inner_->finish(rows);
  }

 private:
  FaultyStore& store_;
  std::unique_ptr<ObjectWriter> inner_;
};

}  // namespace

void FaultyStore::fail_call(std::uint64_t call, ErrorCode code, ReadFailure failure) {
  code_ = code;
  failure_ = failure;
  calls_ = 0;
  failing_ = call;
}

Result<void> FaultyStore::count_call() {
  if (calls_.fetch_add(1) + 1 == failing_.load()) return fail(code_.load(), "made to fail");
  return {};
}

Result<ObjectInfo> FaultyStore::head(std::string_view key) {
  VALETKEY_CHECK(count_call());
  return inner_.head(key);
}

Result<std::unique_ptr<ObjectReader>> FaultyStore::open(std::string_view key) {
  VALETKEY_CHECK(count_call());
  VALETKEY_TRY(auto reader, inner_.open(key));
  return std::make_unique<FaultyReader>(*this, std::move(reader));
}

// Whoever finds nothing here calls open(), which is counted.
std::optional<Result<std::unique_ptr<ObjectReader>>> FaultyStore::open_cached(std::string_view) {
  return std::nullopt;
}

Result<ListPage> FaultyStore::list(const ListQuery& query) {
  VALETKEY_CHECK(count_call());
  return inner_.list(query);
}

Result<std::unique_ptr<ObjectWriter>> FaultyStore::create(std::string_view key, Timestamp now) {
  VALETKEY_CHECK(count_call());
  VALETKEY_TRY(auto writer, inner_.create(key, now));
  return std::make_unique<FaultyWriter>(*this, std::move(writer));
}

Result<void> FaultyStore::publish(Publication publication) {
  VALETKEY_CHECK(count_call());
  return inner_.publish(std::move(publication));
}

}  // namespace valetkey::storage

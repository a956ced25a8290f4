// SPDX-License-Identifier: Apache-2.0
// An ObjectStore whose n-th call fails, for tests: every call site meets its failure once.
// Thread-safe as the store it wraps. Failing calls do not reach that store.
#pragma once

#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "storage/object_store.h"

namespace valetkey::storage {

class FaultyStore final : public ObjectStore {
 public:
  explicit FaultyStore(ObjectStore& inner) : inner_(inner) {}

  // Call number `call` from now, the first being 1, fails so. 0: none. Counted are head, open,
  // list, create, publish, sweep and the calls of readers and writers; open_cached then knows nothing.
  void fail_call(std::uint64_t call, ErrorCode code = ErrorCode::io,
                 ReadFailure failure = ReadFailure::io);
  std::uint64_t calls() const { return calls_.load(); }  // since the last fail_call()

  const std::string& bucket() const override { return inner_.bucket(); }
  Result<ObjectInfo> head(std::string_view key) override;
  Result<std::unique_ptr<ObjectReader>> open(std::string_view key) override;
  std::optional<Result<std::unique_ptr<ObjectReader>>> open_cached(std::string_view key) override;
  Result<ListPage> list(const ListQuery& query) override;
  Result<std::unique_ptr<ObjectWriter>> create(std::string_view key, Timestamp now) override;
  Result<void> publish(Publication publication) override;
  Result<std::uint64_t> sweep(Timestamp now) override;
  std::filesystem::path scratch() const override { return inner_.scratch(); }
  std::uint64_t generation() const override { return inner_.generation(); }
  PartCatalog* part_catalog() override { return inner_.part_catalog(); }
  Capabilities capabilities() const override { return able.value_or(inner_.capabilities()); }
  bool tears = false;  // a failing publish() has added what it should, and taken nothing away
  // Called once, by the next publish(), before anything of it is there: what else happens meanwhile.
  std::function<void()> meanwhile;
  std::function<void(std::string_view key)> opened;  // called by each open(), where it is set
  std::optional<Capabilities> able;  // what it says that it can; none: what the other can

  // For its readers and writers.
  Result<void> count_call();
  ReadFailure read_failure() const { return failure_.load(); }

 private:
  ObjectStore& inner_;
  std::atomic<std::uint64_t> calls_{0};
  std::atomic<std::uint64_t> failing_{0};
  std::atomic<ErrorCode> code_{ErrorCode::io};
  std::atomic<ReadFailure> failure_{ReadFailure::io};
};

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
  void describe(const layout::PartStatistics& statistics) override { inner_->describe(statistics); }
  Result<std::unique_ptr<StagedObject>> finish(std::optional<std::uint64_t> rows) override {
    VALETKEY_CHECK(store_.count_call());
    return inner_->finish(rows);
  }

 private:
  FaultyStore& store_;
  std::unique_ptr<ObjectWriter> inner_;
};

inline void FaultyStore::fail_call(std::uint64_t call, ErrorCode code, ReadFailure failure) {
  code_ = code;
  failure_ = failure;
  calls_ = 0;
  failing_ = call;
}

inline Result<void> FaultyStore::count_call() {
  if (calls_.fetch_add(1) + 1 == failing_.load()) return fail(code_.load(), "made to fail");
  return {};
}

inline Result<ObjectInfo> FaultyStore::head(std::string_view key) {
  VALETKEY_CHECK(count_call());
  return inner_.head(key);
}

inline Result<std::unique_ptr<ObjectReader>> FaultyStore::open(std::string_view key) {
  if (opened) opened(key);
  VALETKEY_CHECK(count_call());
  VALETKEY_TRY(auto reader, inner_.open(key));
  return std::make_unique<FaultyReader>(*this, std::move(reader));
}

// Finds nothing: callers go on to open(), which is counted.
inline std::optional<Result<std::unique_ptr<ObjectReader>>> FaultyStore::open_cached(
    std::string_view) {
  return std::nullopt;
}

inline Result<ListPage> FaultyStore::list(const ListQuery& query) {
  VALETKEY_CHECK(count_call());
  return inner_.list(query);
}

inline Result<std::unique_ptr<ObjectWriter>> FaultyStore::create(std::string_view key,
                                                                 Timestamp now) {
  VALETKEY_CHECK(count_call());
  VALETKEY_TRY(auto writer, inner_.create(key, now));
  return std::make_unique<FaultyWriter>(*this, std::move(writer));
}

inline Result<void> FaultyStore::publish(Publication publication) {
  if (const auto other = std::exchange(meanwhile, nullptr)) other();
  if (auto counted = count_call(); !counted) {
    if (!tears) return counted;
    publication.unlist.clear();
    publication.remove.clear();
    VALETKEY_CHECK(inner_.publish(std::move(publication)));
    return counted;
  }
  return inner_.publish(std::move(publication));
}

inline Result<std::uint64_t> FaultyStore::sweep(Timestamp now) {
  VALETKEY_CHECK(count_call());
  return inner_.sweep(now);
}

}  // namespace valetkey::storage

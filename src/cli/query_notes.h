// SPDX-License-Identifier: Apache-2.0
// Which selections of an export the cache holds whole, and as of when: what a query can answer from
// while the service is away.
//
//   <cache>/services/<hash>  the service that an API and a token led to
//   <cache>/notes/<hash>     a line for each selection of a service that is held
//
// Not thread-safe; written under the lock of the cache.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/timestamp.h"
#include "cli/selection.h"
#include "client/exchange.h"
#include "client/profile.h"

namespace valetkey::cli {

class QueryNotes {
 public:
  // Of the service that these led to the last time, if ever. A file that is missing or cannot be
  // read is one without notes.
  QueryNotes(const std::filesystem::path& cache, const client::Profile& profile);

  // Endpoint and s3_path, as of QueryCache::open(); empty: none is known.
  const std::string& service() const { return service_; }
  // Where the service is, without keys; nothing where none is known.
  std::optional<client::Grant> place() const;
  // When all of the selection was listed and fetched at the latest; nothing: it never was.
  // `selection` is of one type.
  std::optional<Timestamp> since(const Selection& selection) const;

  // Goes on with the notes of the service that they lead to now.
  Result<void> bind(const std::string& service);
  // Before the cache changes: what is noted may not hold if that is interrupted.
  Result<void> suspend() const;
  // After it: these are held as they were listed at `now`, and what was noted before still holds.
  Result<void> add(const std::vector<Selection>& selections, Timestamp now);

 private:
  struct Held {
    Timestamp since;
    bool only_complete = false;
    std::string type, start, end, name;  // start, end: empty where it is open; name: escaped
  };
  static std::optional<Held> parse(std::string_view line);
  static bool covers(const Held& held, const Held& asked);
  static Held of(const Selection& selection, Timestamp since);
  Result<void> write(const std::vector<Held>& held) const;

  std::filesystem::path file() const;
  void read();

  const std::filesystem::path cache_;
  std::filesystem::path pointer_;  // the file that names the service
  std::string service_;
  std::vector<Held> held_;
};

}  // namespace valetkey::cli

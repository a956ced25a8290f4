// SPDX-License-Identifier: Apache-2.0
// The rewriting of parts that have milliseconds, or are of another writer, into part format 2: asked for by `valetkeyd
// export rewrite`, done some parts at a time, begun again where it was interrupted. For one thread at a time.
#pragma once

#include <string>

#include "exporter/export_parts.h"

namespace valetkey::exporter {

class Rewriting {
 public:
  explicit Rewriting(ExportParts& parts) : parts_(parts) {}
  // Rewrites at most so many parts, under new keys; the former ones stay readable for a while, as of a compaction. False:
  // nothing is asked for, or all is done that can be done.
  Result<bool> rewrite_some(std::size_t limit);

 private:
  Result<void> rewrite(const storage::ObjectInfo& part);
  Result<void> finish();
  ExportParts& parts_;
  std::string after_;     // the last part that was looked at
  std::size_t left_ = 0;  // as they were
  bool again_ = false;    // from the beginning
};

}  // namespace valetkey::exporter

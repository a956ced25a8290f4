// SPDX-License-Identifier: Apache-2.0
// The MD5 of a file whose pieces arrive in any order, computed by a thread of its own while they
// do: behind the last piece, hardly any work is left. The object belongs to one thread.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <thread>

#include "base/crypto.h"
#include "base/result.h"

namespace valetkey::client {

class OrderedMd5 {
 public:
  // `fd` is readable and outlives this; errors call the file `name`.
  OrderedMd5(int fd, std::uint64_t size, std::string name);
  ~OrderedMd5();  // gives up what is not computed
  // Bytes [begin, end) stand in the file, and will not change.
  void arrived(std::uint64_t begin, std::uint64_t end);
  // Waits until all is read. 32 hex digits; `internal` unless every byte has arrived.
  Result<std::string> finish();

 private:
  void run();
  Result<void> read(std::uint64_t begin, std::uint64_t end);

  const int fd_;
  const std::uint64_t size_;
  const std::string name_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::map<std::uint64_t, std::uint64_t> ahead_;  // arrived beyond a gap: begin to end
  std::uint64_t whole_to_ = 0;                    // all before has arrived
  bool given_up_ = false;
  Md5 md5_;              // the thread's, until it is joined
  Result<void> result_;  // likewise
  std::thread thread_;
};

}  // namespace valetkey::client

// SPDX-License-Identifier: Apache-2.0
// The message for a disk that is full: which folder needs room, and what else would help. Also the
// writing to standard output, whose errors a stream forgets.
#pragma once

#include <filesystem>
#include <ostream>
#include <streambuf>
#include <string>
#include <string_view>

#include "base/result.h"

namespace valetkey::terminal {

// The same, where it is no failure for lack of room, or the advice was given already. `otherwise`:
// what can be done instead, "choose another --output".
Result<void> with_room_advice(Result<void> done, const std::filesystem::path& folder,
                              std::string_view otherwise);

// Standard output for as long as this lives, behind std::cout. What cannot be written is kept, so that
// flush_out() tries it again and says why it failed, also where another call met the failure.
class StandardOutput : public std::streambuf {
 public:
  explicit StandardOutput(int descriptor);
  ~StandardOutput() override;
  StandardOutput(const StandardOutput&) = delete;
  StandardOutput& operator=(const StandardOutput&) = delete;

 protected:
  std::streamsize xsputn(const char* bytes, std::streamsize count) override;
  int overflow(int byte) override;
  int sync() override;

 private:
  int descriptor_;
  std::streambuf* former_;
  std::string waiting_;
};

// As std::ostream::write and flush; the error says why.
Result<void> write_out(std::ostream& out, std::string_view bytes);
Result<void> flush_out(std::ostream& out);

}  // namespace valetkey::terminal

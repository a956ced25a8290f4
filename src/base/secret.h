// SPDX-License-Identifier: Apache-2.0
// Bytes that must not leak: prints as [secret], is wiped when it goes, compares in constant time.
#pragma once

#include <fmt/format.h>

#include <ostream>
#include <string>
#include <string_view>

namespace valetkey {

class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string bytes) : bytes_(std::move(bytes)) {}
  Secret(const Secret&) = default;
  Secret(Secret&& other) noexcept;
  Secret& operator=(const Secret& other);
  Secret& operator=(Secret&& other) noexcept;
  ~Secret();

  // The bytes themselves; every call is a place to look at when reviewing.
  std::string_view reveal() const { return bytes_; }
  bool empty() const { return bytes_.empty(); }
  std::size_t size() const { return bytes_.size(); }

  friend bool operator==(const Secret& a, const Secret& b);
  friend std::ostream& operator<<(std::ostream& out, const Secret&) { return out << "[secret]"; }

 private:
  std::string bytes_;
};

// Overwrites `bytes` in a way that the compiler keeps.
void wipe(std::string& bytes);
// Time depends on the lengths only.
bool equal_in_constant_time(std::string_view a, std::string_view b);

}  // namespace valetkey

template <>
struct fmt::formatter<valetkey::Secret> : fmt::formatter<std::string_view> {
  template <class Context>
  auto format(const valetkey::Secret&, Context& context) const {
    return fmt::formatter<std::string_view>::format("[secret]", context);
  }
};

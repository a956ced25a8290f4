// SPDX-License-Identifier: Apache-2.0
// A person types a secret: nothing is echoed while this lives, if standard input is a terminal.
#pragma once

#include <termios.h>

namespace valetkey::terminal {

class HiddenInput {
 public:
  HiddenInput();
  ~HiddenInput();
  HiddenInput(const HiddenInput&) = delete;
  HiddenInput& operator=(const HiddenInput&) = delete;

 private:
  termios before_{};
  bool active_;
};

}  // namespace valetkey::terminal

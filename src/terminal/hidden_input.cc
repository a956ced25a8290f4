// SPDX-License-Identifier: Apache-2.0
#include "terminal/hidden_input.h"

#include <unistd.h>

namespace valetkey::terminal {

HiddenInput::HiddenInput() : active_(::isatty(0) == 1 && ::tcgetattr(0, &before_) == 0) {
  if (!active_) return;
  termios quiet = before_;
  quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
  ::tcsetattr(0, TCSAFLUSH, &quiet);
}

HiddenInput::~HiddenInput() {
  if (active_) ::tcsetattr(0, TCSAFLUSH, &before_);
}

}  // namespace valetkey::terminal

// SPDX-License-Identifier: Apache-2.0
// How names that strangers chose are shown.
#pragma once

#include "terminal/width.h"

namespace valetkey::cli {

using terminal::printable;

}  // namespace valetkey::cli

// SPDX-License-Identifier: Apache-2.0
// The text of a statement as sql/database.h takes it, as PostgreSQL takes it. Pure.
#pragma once

#include <string>
#include <string_view>

namespace valetkey::postgres {

// ?1, ?2, … become $1, $2, …; each plain ? becomes the next number. What stands in quotes stays.
std::string numbered_parameters(std::string_view sql);

// PostgreSQL takes text for text only if it is UTF-8 without NUL: other bytes become U+FFFD.
std::string as_text(std::string_view bytes);

}  // namespace valetkey::postgres

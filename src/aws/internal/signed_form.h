// SPDX-License-Identifier: Apache-2.0
// A request of AWS's query protocol: a form in the body, signed. Pure.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "http/client.h"
#include "sigv4/sign.h"

namespace valetkey::aws {

// `own` null: it is not signed.
http::ClientRequest signed_form(const http::Url& url,
                                const std::vector<std::pair<std::string, std::string>>& form,
                                const std::string& service, const std::string& region,
                                const sigv4::SigningCredentials* own, Timestamp now);

}  // namespace valetkey::aws

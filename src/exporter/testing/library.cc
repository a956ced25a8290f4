// SPDX-License-Identifier: Apache-2.0
#include "exporter/testing/library.h"

namespace valetkey::exporter {

const std::filesystem::path kLibrary =
    VALETKEY_SOURCE_DIR "/node_modules/@duckdb/node-bindings-linux-x64/libduckdb.so";

}  // namespace valetkey::exporter

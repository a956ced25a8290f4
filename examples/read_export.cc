// SPDX-License-Identifier: Apache-2.0
// Lists one day of an export, looks at the end of its first part, and brings all parts to a folder.
// The address and the token come from VALETKEY_API and VALETKEY_TOKEN_FILE, or from the file that
// `valetkey configure` writes.
//   read_export type=decisions/date=2026-03-10/ FOLDER
#include <client/reader.h>

#include <cstdlib>
#include <filesystem>
#include <iostream>

namespace client = valetkey::client;
namespace fs = std::filesystem;

// Every call returns a value or the reason there is none, in a sentence.
valetkey::Result<void> read_export(const std::string& prefix, const fs::path& folder) {
  auto profile = client::load_profile([](const char* name) { return std::getenv(name); });
  if (!profile) return std::unexpected(profile.error());
  auto reader = client::Reader::open(*profile);
  if (!reader) return std::unexpected(reader.error());

  auto objects = (*reader)->list(prefix);
  if (!objects) return std::unexpected(objects.error());
  for (const client::ListedObject& object : *objects) {
    std::cout << object.key << ' ' << object.size << '\n';
    if (!object.key.ends_with(".parquet")) continue;
    // A Parquet file ends in "PAR1".
    auto end = (*reader)->read(object, object.size - 4, object.size);
    if (!end) return std::unexpected(end.error());
    if (*end != "PAR1") std::cout << "  is not Parquet\n";
    // An object's name is somebody else's text: a file of ours gets a name of ours.
    const fs::path file = folder / (std::to_string(&object - objects->data()) + ".parquet");
    if (auto done = (*reader)->download(object, file); !done) return done;
  }
  auto credentials = (*reader)->credentials();
  if (!credentials) return std::unexpected(credentials.error());
  std::cout << objects->size() << " objects of s3://" << credentials->bucket << '/'
            << credentials->prefix << '\n';
  return {};
}

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: read_export PREFIX FOLDER\n";
    return 2;
  }
  if (auto done = read_export(argv[1], argv[2]); !done) {
    std::cerr << done.error().detail << '\n';
    return 1;
  }
}

// SPDX-License-Identifier: Apache-2.0
#include "admin/internal/keyring_binding.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "admin/engines.h"
#include "admin/internal/backlog.h"
#include "admin/internal/data_folder.h"
#include "base/file.h"
#include "upkeep/check.h"

namespace valetkey::admin {
namespace {

constexpr std::string_view kHead = "valetkey-keyring-id 1";
constexpr std::size_t kMaxBytes = std::size_t{1} << 20;

using Fingerprints = std::map<std::string, std::string>;  // "object 2" and 32 hex digits

std::string name_of_key(const Key& key) {
  return fmt::format("{} {}", name_of(key.purpose), key.id);
}

Result<Fingerprints> parse(std::string_view text, const std::filesystem::path& file) {
  Fingerprints out;
  for (std::size_t number = 0; !text.empty(); ++number) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    const auto last = line.rfind(' ');
    const bool good = number == 0 ? line == kHead : last != line.npos && line.size() - last == 33;
    if (!good)
      return fail(ErrorCode::corrupt,
                  fmt::format("{} is damaged at line {}; remove it, and the next command makes it "
                              "anew from a keyring that opens what is stored",
                              file.string(), number + 1));
    if (number > 0) out.emplace(line.substr(0, last), line.substr(last + 1));
  }
  return out;
}

std::string serialize(const Fingerprints& fingerprints) {
  std::string out = fmt::format("{}\n", kHead);
  for (const auto& [key, fingerprint] : fingerprints) out += key + " " + fingerprint + "\n";
  return out;
}

std::unexpected<Error> foreign(const CommandContext& context) {
  return fail(ErrorCode::denied,
              fmt::format("the keyring {} is not the one of {}: name that one with --keyring, or "
                          "restore it from its backup",
                          context.keyring().string(), context.data_dir.string()));
}

// What a folder's contents say of a keyring: nothing (it is empty), yes or no.
enum class Evidence { none, opens, does_not_open };

Result<Evidence> try_objects(const CommandContext& context, const Keyring& keyring) {
  const FixedKeySource keys(keyring);
  VALETKEY_TRY(const Engines engines, context.engines());
  if (!engines.keeps_parts()) return Evidence::none;  // they are of other keys
  VALETKEY_TRY(const auto objects, engines.open_disk(keys, ""));
  VALETKEY_TRY(const auto opens, upkeep::is_opened_by(*objects, keyring));
  if (!opens) return Evidence::none;
  return *opens ? Evidence::opens : Evidence::does_not_open;
}

Result<Evidence> try_events(const CommandContext& context, const Keyring& keyring) {
  VALETKEY_TRY(const auto backlog,
               read_backlog(events_folder(context.data_dir), keyring, {}, true));
  if (backlog.events > 0) return Evidence::opens;
  return backlog.problems.empty() ? Evidence::none : Evidence::does_not_open;
}

// Of a folder that has noted no keyring yet.
Result<void> adopt(const CommandContext& context, const Keyring& keyring) {
  VALETKEY_TRY(auto evidence, try_objects(context, keyring));
  if (evidence == Evidence::none) {
    VALETKEY_TRY(evidence, try_events(context, keyring));
  }
  if (evidence == Evidence::does_not_open) return foreign(context);
  return {};
}

Result<void> compare(const CommandContext& context, const Keyring& keyring,
                     const Fingerprints& known) {
  bool shared = false;
  for (const Key& key : keyring.keys()) {
    const auto noted = known.find(name_of_key(key));
    if (noted == known.end()) continue;
    if (noted->second != fingerprint_of(key)) return foreign(context);
    shared = true;
  }
  if (!shared) return foreign(context);
  for (const auto& [name, fingerprint] : known) {
    const bool there = std::ranges::any_of(
        keyring.keys(), [&](const Key& key) { return name_of_key(key) == name; });
    if (!there && name.starts_with(name_of(KeyPurpose::object)))
      return fail(ErrorCode::denied,
                  fmt::format("the keyring {} is an older copy of the one of {}: it lacks {} key "
                              "{}; restore a newer backup of it",
                              context.keyring().string(), context.data_dir.string(),
                              name.substr(0, name.find(' ')), name.substr(name.find(' ') + 1)));
  }
  return {};
}

}  // namespace

Result<void> bind_keyring(const CommandContext& context, const Keyring& keyring) {
  const std::filesystem::path file = context.data_dir / kKeyringId;
  Fingerprints known;
  const auto text = read_file(file, kMaxBytes);
  if (text) {
    VALETKEY_TRY(known, parse(*text, file));
    VALETKEY_CHECK(compare(context, keyring, known));
  } else if (text.error().code == ErrorCode::not_found) {
    VALETKEY_CHECK(adopt(context, keyring));
  } else {
    return std::unexpected(text.error());
  }
  Fingerprints now;
  for (const Key& key : keyring.keys()) now.emplace(name_of_key(key), fingerprint_of(key));
  return now == known ? Result<void>() : replace_file(file, serialize(now), 0600);
}

}  // namespace valetkey::admin

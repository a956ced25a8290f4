// SPDX-License-Identifier: Apache-2.0
// An Avro object container file, written row by row: as much of Avro as Iceberg's manifests need. The caller
// writes each row's values in the order of its schema. The same rows give the same bytes: what Avro calls a
// random marker is a digest here. For one thread. Source: https://avro.apache.org/docs/1.12.0/specification/
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace valetkey::tables {

class AvroWriter {
 public:
  // `schema`: of a row, as JSON. `metadata`: further entries of the header, in this order.
  AvroWriter(std::string_view schema,
             const std::vector<std::pair<std::string, std::string>>& metadata);
  ~AvroWriter();
  AvroWriter(AvroWriter&&) noexcept;

  AvroWriter& integer(std::int64_t value);   // an int or a long
  AvroWriter& text(std::string_view bytes);  // a string or bytes
  AvroWriter& boolean(bool value);
  // Of a union of null and one other type: whether a value of that follows.
  AvroWriter& some(bool follows) { return integer(follows ? 1 : 0); }
  // Before and behind the items of an array, also of none.
  AvroWriter& begin_items(std::size_t count);
  AvroWriter& end_items();
  void end_row();

  std::uint64_t rows() const { return rows_; }
  // The whole file. The last call.
  std::string finish();

 private:
  class Deflater;
  void end_block();

  std::string header_;
  std::string block_;  // rows, not yet compressed
  std::uint64_t block_rows_ = 0;
  std::uint64_t rows_ = 0;
  std::vector<std::pair<std::uint64_t, std::string>> blocks_;  // rows and their compressed bytes
  std::unique_ptr<Deflater> deflater_;
};

}  // namespace valetkey::tables

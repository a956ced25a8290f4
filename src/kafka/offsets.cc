// SPDX-License-Identifier: Apache-2.0
#include "kafka/internal/offsets.h"

#include <fmt/format.h>

namespace valetkey::kafka {
namespace {

Places places_of(const std::string& topic, const std::map<unsigned, std::int64_t>& offsets) {
  Places out(rd_kafka_topic_partition_list_new(static_cast<int>(offsets.size())));
  for (const auto& [partition, offset] : offsets)
    rd_kafka_topic_partition_list_add(out.get(), topic.c_str(), static_cast<int>(partition))
        ->offset = offset;
  return out;
}

}  // namespace

Result<std::vector<events::Offset>> read_ends(const Client& client, const std::string& topic,
                                              unsigned partitions, int longest_ms) {
  // A time of -1 asks for the end, as the protocol has it (ListOffsets).
  std::map<unsigned, std::int64_t> asked;
  for (unsigned partition = 0; partition < partitions; ++partition)
    asked[partition] = RD_KAFKA_OFFSET_END;
  const auto places = places_of(topic, asked);
  const auto what = fmt::format("say where the partitions of {} end", topic);
  if (const auto error = rd_kafka_offsets_for_times(client.get(), places.get(), longest_ms))
    return client.failed(what, error);
  std::vector<events::Offset> out(partitions);
  for (int i = 0; i < places->cnt; ++i) {
    const auto& each = places->elems[i];
    if (each.err != RD_KAFKA_RESP_ERR_NO_ERROR) return client.failed(what, each.err);
    if (each.offset < 0) return client.failed(what, RD_KAFKA_RESP_ERR__BAD_MSG);
    out.at(static_cast<std::size_t>(each.partition)) = static_cast<events::Offset>(each.offset);
  }
  return out;
}

Result<events::Offset> read_begin(const Client& client, const std::string& topic,
                                  unsigned partition) {
  std::int64_t begin = 0, end = 0;
  if (const auto error = rd_kafka_query_watermark_offsets(
          client.get(), topic.c_str(), static_cast<int>(partition), &begin, &end, kAnswerMs))
    return client.failed(fmt::format("say where partition {} of {} begins", partition, topic),
                         error);
  return static_cast<events::Offset>(begin);
}

Result<void> reach(const Client& client, const std::string& topic, int longest_ms) {
  const auto handle = client.topic(topic);
  const rd_kafka_metadata_t* found = nullptr;
  const auto error = rd_kafka_metadata(client.get(), 0, handle.get(), &found, longest_ms);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return client.failed("answer", error);
  rd_kafka_metadata_destroy(found);
  return {};
}

Result<void> delete_before(const Client& client, const std::string& topic,
                           const std::map<unsigned, events::Offset>& places) {
  const auto list = places_of(topic, {places.begin(), places.end()});
  const Owned<rd_kafka_DeleteRecords_t, rd_kafka_DeleteRecords_destroy> request(
      rd_kafka_DeleteRecords_new(list.get()));
  auto* one = request.get();
  const auto what = fmt::format("forget what was exported of {}", topic);
  VALETKEY_TRY(const auto event, client.ask(what, [&](rd_kafka_queue_t* queue) {
    rd_kafka_DeleteRecords(client.get(), &one, 1, nullptr, queue);
  }));
  const auto* result = rd_kafka_event_DeleteRecords_result(event.get());
  const auto* each = rd_kafka_DeleteRecords_result_offsets(result);
  for (int i = 0; i < each->cnt; ++i)
    if (each->elems[i].err != RD_KAFKA_RESP_ERR_NO_ERROR)
      return client.failed(what, each->elems[i].err);
  return {};
}

}  // namespace valetkey::kafka

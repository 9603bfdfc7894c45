#pragma once

#include <librdkafka/rdkafka.h>

#include <memory>

#include "stream/kafka/admin.h"

namespace millrace::stream {

struct PartitionListDeleter {
  void operator()(rd_kafka_topic_partition_list_t* list) const { rd_kafka_topic_partition_list_destroy(list); }
};
using PartitionList = std::unique_ptr<rd_kafka_topic_partition_list_t, PartitionListDeleter>;

inline PartitionList NewPartitionList(size_t size = 0) {
  return PartitionList(rd_kafka_topic_partition_list_new(static_cast<int>(size)));
}

inline rd_kafka_topic_partition_t& Add(const PartitionList& list, const TopicPartition& place, int64_t offset) {
  auto* added = rd_kafka_topic_partition_list_add(list.get(), place.topic.c_str(), place.partition);
  added->offset = offset;
  return *added;
}

/// The places, each with one offset.
template <typename Places>
PartitionList ListOf(const Places& places, int64_t offset = RD_KAFKA_OFFSET_INVALID) {
  auto list = NewPartitionList(std::size(places));
  for (const auto& place : places) Add(list, place, offset);
  return list;
}

}  // namespace millrace::stream

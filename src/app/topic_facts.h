#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "app/text_table.h"
#include "event/stream.h"

namespace millrace::app {

/// Error kUsage that names the nearest topic.
event::TopicInfo RequireTopic(event::Stream& stream, const std::string& name);

/// Every topic with its size and how far its slowest reader is behind.
Listing TopicListing(event::Stream& stream);

struct TopicFacts {
  std::string name;
  std::string id;
  nlohmann::json retention;  // text; null: for ever
  Listing partitions;
  Listing readers;

  nlohmann::ordered_json AsJson() const;
};
/// Error kUsage when there is no such topic.
TopicFacts DescribeTopic(event::Stream& stream, const std::string& name);

}  // namespace millrace::app

#include "app/storage.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "app/engine_options.h"
#include "app/kafka_options.h"
#include "app/kinesis_blocks.h"
#include "app/plan.h"
#include "base/error.h"
#include "base/log.h"
#include "stream/embedded/embedded_stream.h"
#include "stream/kafka/kafka_stream.h"
#include "stream/kinesis/kinesis_stream.h"

namespace millrace::app {
namespace {

std::unique_ptr<event::Stream> OpenEmbedded(const DataDirectory& directory) {
  stream::EmbeddedStreamOptions options;
  options.path = directory.stream();
  return std::make_unique<stream::EmbeddedStream>(std::move(options));
}

int64_t TablesFromTopics(const PipelineConfig& pipeline) {
  return std::ranges::count_if(pipeline.tables, [&](const auto& table) { return FromTopic(pipeline, table.second); });
}

/// What one reader may hold in the library or in answers, and once more in batches that wait.
int64_t ReaderBytes(const PipelineConfig& pipeline) {
  const auto readers = std::max<int64_t>(TablesFromTopics(pipeline), 1);
  return std::clamp<int64_t>(BufferShare(pipeline) / (8 * readers), int64_t{2} << 20, int64_t{32} << 20);
}

/// Of a verb, which appends much and waits at its end: fuller requests are less work for both sides.
constexpr std::chrono::milliseconds kVerbLinger{10};

std::unique_ptr<event::Stream> OpenKafka(const PipelineConfig& pipeline, stream::KafkaOptions options,
                                         const std::string& worker, ByteBudget* budget) {
  if (options.worker.empty()) options.worker = worker;
  options.reader_bytes = ReaderBytes(pipeline);
  return std::make_unique<stream::KafkaStream>(std::move(options), budget);
}

std::unique_ptr<event::Stream> OpenKinesis(const PipelineConfig& pipeline, const std::filesystem::path& positions) {
  auto options = KinesisOptionsFor(*pipeline.stream.kinesis, positions);
  options.answer_bytes = ReaderBytes(pipeline) / stream::kKinesisAnswersAtOnce;
  return std::make_unique<stream::KinesisStream>(std::move(options));
}

/// For verbs: as nobody's worker.
std::unique_ptr<event::Stream> OpenRemote(const PipelineConfig& pipeline) {
  if (!pipeline.stream.kafka) return OpenKinesis(pipeline, {});
  auto options = KafkaOptionsFor(*pipeline.stream.kafka);
  options.linger = kVerbLinger;
  return OpenKafka(pipeline, std::move(options), "", nullptr);
}

}  // namespace

int64_t StreamShare(const PipelineConfig& pipeline) {
  return pipeline.stream.is_remote() ? TablesFromTopics(pipeline) * ReaderBytes(pipeline) : 0;
}

int64_t ReaderShare(const PipelineConfig& pipeline, const PipelineConfig& added) {
  if (!pipeline.stream.is_remote()) return 0;
  return (TablesFromTopics(added) + static_cast<int64_t>(added.documents.size())) * ReaderBytes(pipeline);
}

std::unique_ptr<event::Stream> OpenStream(const PipelineConfig& pipeline, const DataDirectory& directory,
                                          ByteBudget* budget) {
  if (pipeline.stream.kafka)
    return OpenKafka(pipeline, KafkaOptionsFor(*pipeline.stream.kafka), directory.WorkerName(), budget);
  if (pipeline.stream.kinesis) return OpenKinesis(pipeline, directory.kinesis());
  return OpenEmbedded(directory);
}

void EnsureTopics(const PipelineConfig& pipeline, event::Stream& stream) {
  for (const auto& spec : TopicsOf(pipeline)) {
    const auto found = pipeline.stream.is_remote() ? stream.FindTopic(spec.name) : std::nullopt;
    if (!found) {
      stream.EnsureTopic(spec);
      continue;
    }
    const auto declared = pipeline.topics.find(spec.name);
    if (declared != pipeline.topics.end() && declared->second.Given("partitions") &&
        found->spec.partitions != spec.partitions) {
      LogWarning("topic {} has {} partitions, and {} are configured; it stays as it is", spec.name,
                 found->spec.partitions, spec.partitions);
    }
  }
}

OpenedStream OpenStreamFor(StreamUse use, const PipelineConfig& pipeline) {
  if (pipeline.stream.is_remote()) return {std::nullopt, OpenRemote(pipeline)};
  const auto& path = pipeline.data_dir.value;
  OpenedStream opened;
  switch (use) {
    case StreamUse::kLook:
      opened.directory.emplace(DataDirectory::OpenToRead(path));
      break;
    case StreamUse::kAppend:
      opened.directory.emplace(DataDirectory::OpenToAppend(path));
      break;
    case StreamUse::kDelete:
      opened.directory.emplace(DataDirectory::OpenToWrite(path));
      break;
  }
  if (use != StreamUse::kAppend && !std::filesystem::exists(opened.directory->stream())) {
    throw Error(ErrorCode::kUnavailable,
                fmt::format("there are no topics in {} yet; `millrace topics create NAME` makes one", path));
  }
  opened.stream = OpenEmbedded(*opened.directory);
  return opened;
}

std::unique_ptr<event::Stream> OpenStreamIfThere(const PipelineConfig& pipeline, const DataDirectory& directory) {
  if (!pipeline.stream.is_remote()) {
    return std::filesystem::exists(directory.stream()) ? OpenEmbedded(directory) : nullptr;
  }
  try {
    return OpenRemote(pipeline);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kUnavailable) throw;
    LogWarning("how far behind tables are is not known: {}", error.what());
    return nullptr;
  }
}

}  // namespace millrace::app

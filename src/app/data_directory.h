#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace millrace::app {

/// The folder that holds a pipeline's stream, catalogue and state. It carries a marker of its format, and one process
/// at a time may write in it: the one that holds the lock, for as long as this object lives.
///
///   <data_dir>/format      "millrace data 1\n"   frozen: the number rises when an older program must not touch it
///   <data_dir>/lock        the pid of the process that has it flocked
///   <data_dir>/stream.db   the embedded stream, with stream.segments/
///   <data_dir>/kinesis.db  how far sources have come that append to Kinesis
///   <data_dir>/catalog.db  the catalogue
///   <data_dir>/state.db    what became of runs of models; connectors, and what they are to do
///   <data_dir>/maintenance/ locks and journals of the maintenance of tables
///   <data_dir>/worker      a name for this process among the workers of a pipeline: a UUID, made once
///   <data_dir>/status.json what a running pipeline last said of itself
class DataDirectory {
 public:
  /// Makes the folder unless it is there, and locks it. Error kUnavailable when another process has it, kStop when it
  /// belongs to another version or to somebody else, or cannot be written.
  static DataDirectory OpenToWrite(const std::filesystem::path& path);
  /// The same without the lock: for appending to the stream, which several processes may do.
  static DataDirectory OpenToAppend(const std::filesystem::path& path);
  /// For looking while another process may write. Error kUnavailable when there is nothing yet.
  static DataDirectory OpenToRead(const std::filesystem::path& path);

  /// Makes nothing. Error kStop when it is there and none of the above could use it.
  static void RequireUsable(const std::filesystem::path& path);

  /// The pid, as text, of the process that has it locked; nullopt when none has.
  static std::optional<std::string> HolderOf(const std::filesystem::path& path);

  ~DataDirectory();
  DataDirectory(DataDirectory&& other) noexcept;
  DataDirectory& operator=(DataDirectory&&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path stream() const { return path_ / "stream.db"; }
  std::filesystem::path kinesis() const { return path_ / "kinesis.db"; }
  std::filesystem::path catalog() const { return path_ / "catalog.db"; }
  std::filesystem::path state() const { return path_ / "state.db"; }
  std::filesystem::path status() const { return path_ / "status.json"; }
  /// The name in <data_dir>/worker. A copy of the directory has the same one, which brokers refuse.
  std::string WorkerName() const;
  std::filesystem::path maintenance() const { return path_ / "maintenance"; }

 private:
  explicit DataDirectory(std::filesystem::path path) : path_(std::move(path)) {}
  static DataDirectory Make(const std::filesystem::path& path);
  void Lock();

  std::filesystem::path path_;
  int lock_ = -1;
};

/// Checks, or on first use sets, the marker of a folder: its first line is "<what> <number>". Error kStop when it is
/// newer than this program, or of something else.
void EnsureFormat(const std::filesystem::path& folder, const std::string& marker_name, const std::string& what,
                  int number);

}  // namespace millrace::app

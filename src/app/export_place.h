#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "app/config_model.h"
#include "query/export.h"

namespace millrace::app {

/// Where exported files go: a folder of this machine, or a prefix of a bucket. Names are single ones, without '/'.
class ExportPlace {
 public:
  virtual ~ExportPlace() = default;
  /// What is there, folders with a '/' at the end; a thousand names are enough to know.
  virtual std::vector<std::string> Names() = 0;
  virtual bool Has(const std::string& name) = 0;
  virtual void Remove(const std::string& name) = 0;
  /// A new file, or, with `replace`, one that takes the place of what is there when it is finished: at once in a
  /// folder, a moment after the old one goes in a bucket.
  virtual std::unique_ptr<query::ExportFile> Open(const std::string& name, bool replace) = 0;
  /// As people name it.
  virtual std::string Describe(const std::string& name) const = 0;
};

/// What --to says: "rows.csv", "out/", "s3://bucket/prefix/".
struct ExportTarget {
  std::unique_ptr<ExportPlace> place;
  std::string name;  // of the one file; empty: files are made in the place itself
};

/// A name that ends in '/', or is a folder already, is a place for several files. A bucket is reached as `lake.s3`
/// says.
ExportTarget OpenExportTarget(const PipelineConfig& pipeline, const std::string& to);

/// Exports into a place by its rule for what is there: nothing may be, or, with `overwrite`, only the files of an
/// earlier export, which go once the statement has given its first rows. Files are part-00000.<format>, ...; _SUCCESS,
/// empty, comes last, so that what broke off can be told. Error kUsage naming what is in the way.
query::ExportStats ExportParts(ExportPlace& place, query::ResultStream& result, const query::ExportOptions& options,
                               const std::string& extension, bool overwrite,
                               const std::function<void(const query::ExportStats&)>& tell);

}  // namespace millrace::app

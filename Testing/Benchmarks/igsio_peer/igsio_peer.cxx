// A program around IGSIO's VolumeReconstruction that reconstruction.py times: igsio_peer JOB OUTPUT
//
// JOB      lines of text up to 'data' (see run_igsio in reconstruction.py), then for every frame 16 doubles,
//          ImageToReference row by row, then the pixels of every frame
// OUTPUT   the voxels of the last repeat, i fastest
// Prints one line of JSON: {"dimensions": [i, j, k], "insert": [s, ...], "insert_cpu": [s, ...], "fill": [s, ...]}.
// 'insert' is from the allocation of IGSIO's two volumes to the last frame, 'insert_cpu' what processors spent on it, and
// 'fill' is hole filling alone.

#include <chrono>
#include <cmath>
#include <ctime>
#include <fstream>
#include <iostream>
#include <limits>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include <vtkImageData.h>
#include <vtkMatrix4x4.h>
#include <vtkSmartPointer.h>
#include <vtkXMLDataElement.h>
#include <vtkXMLUtilities.h>

// In this order: the second header lacks an include of its own.
#include "vtkIGSIOPasteSliceIntoVolume.h"
#include "vtkIGSIOFillHolesInVolume.h"

namespace
{
double secondsSince(std::chrono::steady_clock::time_point start)
{
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

void printList(const std::vector<double>& values)
{
  std::cout << "[";
  for (size_t n = 0; n < values.size(); ++n)
  {
    std::cout << (n ? ", " : "") << values[n];
  }
  std::cout << "]";
}
}

int main(int argc, char** argv)
{
  if (argc != 3)
  {
    std::cerr << "igsio_peer JOB OUTPUT\n";
    return 2;
  }
  std::ifstream job(argv[1], std::ios::binary);
  std::map<std::string, std::vector<double>> settings;
  for (std::string line; std::getline(job, line) && line != "data";)
  {
    std::istringstream words(line);
    std::string name;
    words >> name;
    for (double value; words >> value;)
    {
      settings[name].push_back(value);
    }
  }
  const int width = int(settings["size"][0]), height = int(settings["size"][1]);
  const int frames = int(settings["frames"][0]), type = int(settings["type"][0]);
  const double* spacing = settings["spacing"].data();

  std::vector<vtkSmartPointer<vtkMatrix4x4>> poses;
  double low[3], high[3];
  for (int axis = 0; axis < 3; ++axis)
  {
    low[axis] = std::numeric_limits<double>::max();
    high[axis] = std::numeric_limits<double>::lowest();
  }
  for (int n = 0; n < frames; ++n)
  {
    double elements[16];
    job.read(reinterpret_cast<char*>(elements), sizeof(elements));
    poses.push_back(vtkSmartPointer<vtkMatrix4x4>::New());
    poses.back()->DeepCopy(elements);
    for (int corner = 0; corner < 4; ++corner)
    {
      const double pixel[4] = { corner & 1 ? width - 1.0 : 0.0, corner & 2 ? height - 1.0 : 0.0, 0.0, 1.0 };
      double place[4];
      poses.back()->MultiplyPoint(pixel, place);
      for (int axis = 0; axis < 3; ++axis)
      {
        low[axis] = std::min(low[axis], place[axis]);
        high[axis] = std::max(high[axis], place[axis]);
      }
    }
  }
  std::vector<vtkSmartPointer<vtkImageData>> images;
  for (int n = 0; n < frames; ++n)
  {
    images.push_back(vtkSmartPointer<vtkImageData>::New());
    images.back()->SetExtent(0, width - 1, 0, height - 1, 0, 0);
    images.back()->AllocateScalars(type, 1);
    job.read(static_cast<char*>(images.back()->GetScalarPointer()),
             std::streamsize(width) * height * images.back()->GetScalarSize());
  }
  if (!job)
  {
    std::cerr << "the job is cut short\n";
    return 2;
  }

  vtkSmartPointer<vtkIGSIOPasteSliceIntoVolume> paste = vtkSmartPointer<vtkIGSIOPasteSliceIntoVolume>::New();
  int extent[6] = { 0, 0, 0, 0, 0, 0 };
  for (int axis = 0; axis < 3; ++axis)
  {
    extent[2 * axis + 1] = int(std::round((high[axis] - low[axis]) / spacing[axis]));
  }
  paste->SetOutputScalarMode(type);
  paste->SetOutputSpacing(spacing[0], spacing[1], spacing[2]);
  paste->SetOutputOrigin(low);
  paste->SetOutputExtent(extent);
  const std::vector<double>& clip = settings["clip"];
  paste->SetClipRectangleOrigin(int(clip[0]), int(clip[1]));
  paste->SetClipRectangleSize(int(clip[2]), int(clip[3]));
  paste->SetInterpolationMode(settings["linear"][0] ? vtkIGSIOPasteSliceIntoVolume::LINEAR_INTERPOLATION
                                                    : vtkIGSIOPasteSliceIntoVolume::NEAREST_NEIGHBOR_INTERPOLATION);
  const vtkIGSIOPasteSliceIntoVolume::OptimizationType optimizations[] = {
    vtkIGSIOPasteSliceIntoVolume::FULL_OPTIMIZATION, vtkIGSIOPasteSliceIntoVolume::PARTIAL_OPTIMIZATION,
    vtkIGSIOPasteSliceIntoVolume::NO_OPTIMIZATION
  };
  paste->SetOptimization(optimizations[int(settings["optimization"][0])]);
  const vtkIGSIOPasteSliceIntoVolume::CompoundingType compoundings[] = {
    vtkIGSIOPasteSliceIntoVolume::LATEST_COMPOUNDING_MODE, vtkIGSIOPasteSliceIntoVolume::MAXIMUM_COMPOUNDING_MODE,
    vtkIGSIOPasteSliceIntoVolume::MEAN_COMPOUNDING_MODE
  };
  paste->SetCompoundingMode(compoundings[int(settings["compounding"][0])]);
  const int threads = int(settings["threads"][0]);
  paste->SetNumberOfThreads(threads);

  std::vector<double> insertSeconds, cpuSeconds, fillSeconds;
  vtkSmartPointer<vtkImageData> volume;
  for (int repeat = 0; repeat < int(settings["repeats"][0]); ++repeat)
  {
    const std::clock_t cpuStart = std::clock();
    const auto start = std::chrono::steady_clock::now();
    paste->ResetOutput();
    for (int n = 0; n < frames; ++n)
    {
      paste->InsertSlice(images[n], poses[n], n == 0, n == frames - 1);
    }
    insertSeconds.push_back(secondsSince(start));
    cpuSeconds.push_back(double(std::clock() - cpuStart) / CLOCKS_PER_SEC);
    volume = paste->GetReconstructedVolume();
    if (settings.count("stick"))
    {
      std::ostringstream text;
      text << "<HoleFilling><HoleFillingElement Type=\"STICK\" StickLengthLimit=\"" << int(settings["stick"][0])
           << "\" NumberOfSticksToUse=\"" << int(settings["stick"][1]) << "\"/></HoleFilling>";
      vtkSmartPointer<vtkXMLDataElement> element =
        vtkSmartPointer<vtkXMLDataElement>::Take(vtkXMLUtilities::ReadElementFromString(text.str().c_str()));
      vtkSmartPointer<vtkIGSIOFillHolesInVolume> filler = vtkSmartPointer<vtkIGSIOFillHolesInVolume>::New();
      filler->ReadConfiguration(element);
      filler->SetNumberOfThreads(threads);
      filler->SetReconstructedVolume(paste->GetReconstructedVolume());
      filler->SetAccumulationBuffer(paste->GetAccumulationBuffer());
      const auto begin = std::chrono::steady_clock::now();
      filler->Update();
      fillSeconds.push_back(secondsSince(begin));
      volume = vtkSmartPointer<vtkImageData>::New();
      volume->DeepCopy(filler->GetOutput());
    }
  }
  const int* size = volume->GetDimensions();
  std::ofstream output(argv[2], std::ios::binary);
  output.write(static_cast<const char*>(volume->GetScalarPointer()),
               std::streamsize(size[0]) * size[1] * size[2] * volume->GetScalarSize());
  std::cout << "{\"dimensions\": [" << size[0] << ", " << size[1] << ", " << size[2] << "], \"insert\": ";
  printList(insertSeconds);
  std::cout << ", \"insert_cpu\": ";
  printList(cpuSeconds);
  std::cout << ", \"fill\": ";
  printList(fillSeconds);
  std::cout << "}" << std::endl;
  return output ? 0 : 1;
}

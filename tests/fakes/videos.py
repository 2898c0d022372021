"""Creates tiny real videos with ffmpeg; each is created once per machine and boot, and then linked or copied."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

FFMPEG = shutil.which("ffmpeg")
MISSING = "ffmpeg is not installed (Debian: apt-get install ffmpeg)"

_HDR = {
    # Colour properties; HDR10 also carries a mastering display and light levels.
    "HDR10": "colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc:hdr10=1:max-cll=1000,400:"
    "master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1)",
    "HLG": "colorprim=bt2020:transfer=arib-std-b67:colormatrix=bt2020nc",
}
_AUDIO = {
    "aac": "aac",
    "ac3": "ac3",
    "eac3": "eac3",
    "flac": "flac",
    "mp3": "libmp3lame",
    "opus": "libopus",
    "dts": "dca",
    "truehd": "truehd",
}
_CHANNELS = {"1.0": "mono", "2.0": "stereo", "5.1": "5.1"}


@dataclass(frozen=True)
class Video:
    """The specification of a video."""

    width: int = 1280
    height: int = 720
    seconds: float = 4.0
    codec: str = "h264"
    """`h264`, `h265`, `vp9` or `mpeg4`."""
    hdr: str | None = None
    """`HDR10` or `HLG`, with h265 only."""
    audio: tuple[tuple[str, str, str], ...] = (("aac", "2.0", "eng"),)
    """(codec, channels, ISO 639-2 language) of each track."""
    subtitles: tuple[tuple[str, str], ...] = ()
    """(language, `normal` | `forced` | `sdh`) of each SubRip track; Matroska only."""
    title: str | None = None
    """Written into the file."""
    picture: str = "testsrc2"
    """An ffmpeg source: `testsrc2`, `smptebars`, `mandelbrot`, `color=c=navy`."""
    rate: int = 12
    """Frames per second; few for long videos."""


def make_video(path: Path, video: Video = Video()) -> Path:
    """Create a video at a path, whose extension gives the container; parent folders are created."""
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(_made(video, path.suffix), path)
    return path


def _made(video: Video, suffix: str) -> Path:
    assert FFMPEG, MISSING
    folder = Path(tempfile.gettempdir()) / f"mydia-videos-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    name = hashlib.sha256(repr((video, suffix)).encode()).hexdigest()[:24]
    made = folder / f"{name}{suffix}"
    if not made.exists():
        # Test processes run in parallel: each creates its own, and the last rename wins, because all are the same.
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            part = Path(scratch) / f"video{suffix}"
            subprocess.run(_command(video, part, Path(scratch)), check=True, stdin=subprocess.DEVNULL, timeout=120)
            part.rename(made)
    return made


def _command(video: Video, target: Path, scratch: Path) -> list[str]:
    source = f"{video.picture}{':' if '=' in video.picture else '='}s={video.width}x{video.height}:r={video.rate}:d={video.seconds}"
    command = [FFMPEG or "ffmpeg", "-v", "error", "-y", "-threads", "2", "-f", "lavfi", "-i", source]
    for number, _ in enumerate(video.audio):
        command += ["-f", "lavfi", "-i", f"sine=frequency={330 + 110 * number}:duration={video.seconds}"]
    for number, (language, kind) in enumerate(video.subtitles):
        text = scratch / f"{number}.srt"
        text.write_text(f"1\n00:00:00,500 --> 00:00:02,000\n{language} {kind}\n")
        command += ["-i", str(text)]
    for number in range(1 + len(video.audio) + len(video.subtitles)):
        command += ["-map", str(number)]
    command += _picture_options(video)
    for number, (codec, channels, language) in enumerate(video.audio):
        command += [
            f"-c:a:{number}",
            _AUDIO[codec],
            f"-filter:a:{number}",
            f"aformat=channel_layouts={_CHANNELS[channels]}",
        ]
        command += ["-strict", "-2", f"-metadata:s:a:{number}", f"language={language}"]
    for number, (language, kind) in enumerate(video.subtitles):
        command += [f"-c:s:{number}", "srt", f"-metadata:s:s:{number}", f"language={language}"]
        command += [f"-disposition:s:{number}", {"forced": "forced", "sdh": "hearing_impaired"}.get(kind, "0")]
        if kind == "sdh":
            command += [f"-metadata:s:s:{number}", "title=SDH"]
    if video.title:
        command += ["-metadata", f"title={video.title}"]
    return [*command, str(target)]


def _picture_options(video: Video) -> list[str]:
    match video.codec:
        case "h265":
            options = f"log-level=error:{_HDR[video.hdr]}" if video.hdr else "log-level=error"
            depth = "yuv420p10le" if video.hdr else "yuv420p"
            return ["-c:v", "libx265", "-preset", "ultrafast", "-pix_fmt", depth, "-x265-params", options]
        case "vp9":
            return ["-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-pix_fmt", "yuv420p"]
        case "mpeg4":
            return ["-c:v", "mpeg4", "-vtag", "xvid", "-pix_fmt", "yuv420p"]
        case _:
            return ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"]

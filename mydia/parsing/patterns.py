"""Tables of the technical phrases in release names, with their meaning.

Phrases are in lower case with one space between words; in a name the words may be separated by a space, dot,
underscore or hyphen. **Solid** phrases end a title wherever they are, because no title contains them (`1080p`, `x264`).
**Loose** phrases may be part of a title (`Web`, `Extended`, `German`) and count only in the tail of a name: after a
solid phrase, or in an unbroken row of phrases that leads to one.
"""

from __future__ import annotations

import msgspec


class Term(msgspec.Struct, frozen=True):
    """One row of a table: phrases with the same meaning."""

    kind: str
    value: str
    phrases: tuple[str, ...]
    solid: bool = True
    example: str = ""
    """A name that contains the phrase."""


def _rows(kind: str, *rows: tuple[str, str, str], solid: bool = True) -> tuple[Term, ...]:
    return tuple(Term(kind, value, tuple(phrases.split("|")), solid, example) for value, phrases, example in rows)


SOURCES = _rows(
    "source",
    ("cam", "camrip|hdcam|hd cam|hqcam|hq cam|hdcamrip|cam rip|hd cam rip|hq camrip|new cam|newcam|camhd|clearcam|clear cam|hqhdcam|truecam|true cam|hd camrip|newhdcam|new hdcam|camripped|dcam|dcamrip", "Movie.2018.HDCAM.x264-GRP"),
    ("telesync", ("telesync|telesynch|hdts|hd ts|tsrip|ts rip|telesync rip|telesyncrip|pdvd|pdvdrip|predvd|pre dvd|predvdrip"
     "|hqts|hdtsrip|hd telesync|hdtelesync|newhdts|new hdts|hqhdts|telecync|tele sync|dcprip ts|hd tsrip|hcts"), "Movie.2016.HDTS"),
    ("telecine", "telecine|hdtcrip|hdtc|hd tc|tcrip|tc rip|telecinerip|telecine rip", "Movie.2014.HDTC"),
    ("workprint", "workprint|workprintrip|workprint rip", "Movie.2009.WORKPRINT"),
    ("dvdscr", "dvdscr|dvd scr|dvdscreener|dvd screener|bdscr|bd screener|bluray screener|webscr|web scr|webscreener|web screener|hdscr|dvdscrrip", "Movie.2013.DVDSCR"),
    ("tv", ("hdtv|hd tv|hdtvrip|hdtv rip|pdtv|pd tv|pdtvrip|sdtv|sd tv|sdtvrip|dsr|dsrip|ds rip|dsrrip|tvrip|tv rip"
     "|rip tv|satrip|sat rip|dvb|dvbrip|dvb rip|dvbs|dvbt|dvbc|dvbt2|dvbs2|dvb t|dvb t2|dvb s|dvb s2|dvb c|dthrip|dth rip|uhdtv|uhd tv|uhdtvrip|uhdtv rip|ahdtv"
     "|hdtvmux|dtvrip|digitaltv|digital tv|vhsrip|vhs rip|hdtvrip|iptv|iptvrip|tvmux|webtv rip|htdv|tvhd"), "Show.S01E01.HDTV.x264-LOL"),
    ("dvd-r", ("video ts|dvdr|dvd r|dvd5|dvd 5|dvd9|dvd 9|ntsc dvdr|pal dvdr|complete dvd|full dvd|dvd iso|untouched dvd"
     "|xdvdr|mdvdr|md vdr|dvd full|dvdfull|dvdr5|dvdr9|ntsc dvd r|pal dvd r|ntsc dvd 5|ntsc dvd 9|pal dvd 5|pal dvd 9|ntsc dvd5|ntsc dvd9|pal dvd5|pal dvd9"), "Movie.2007.DVDR.NTSC"),
    ("dvd", "r1dvd|r2dvd|r3dvd|r4dvd|dvdrip|dvd rip|dvdmux|dvd mux|xvidvd|dvdivx|ntsc dvd|pal dvd|dvd ntsc|dvd pal|dvdremux|dvd remux|dvd sd|sd dvd", "Show.S03E06.DVDRip.XviD-GRP"),
    ("webrip", ("webrip|web rip|webmux|web mux|webcap|web cap|webdlrip|web dlrip|web dl rip|webdl rip|webcaprip|hdwebrip"
     "|dmrip|hd webrip|webrip hd"), "Show.S01E01.1080p.WEBRip.x264-GRP"),
    ("webdl", ("webdl|web dl|web d l|webhd|web hd|hdweb|webdlmux|web dlmux|web dl mux|webdl mux|dlmux|dl mux|weblight|vodrip|vod rip|vodr|ppvrip|ppv rip|webuhd"
     "|web uhd|hdrip webdl"), "Show.S01E01.1080p.WEB-DL.DD5.1.H.264-GRP"),
    ("bdrip", ("bdrip|bd rip|brrip|br rip|bdlight|bd light|uhdbdrip|uhd bdrip|hdlight|uhdrip|uhd rip|bdmux"
     "|bd mux|bdrip hd|ultra bluray rip|microhd"), "Movie.2004.576p.BDRip.x264-GRP"),
    ("bluray", ("bluray|blu ray|blue ray|bluray rip|blu ray rip|blurayrip|mbluray|m blu ray|uhdbluray|uhd bluray|uhd blu ray|bluray disc|blu ray disc"
     "|ultra hd bluray|ultrahdbluray|hddvd|hd dvd|hddvdrip|hd dvd rip|bluray hd|bluraymux|bluray ultra|ultra bluray"
     "|bluray uhd|bluray 3d|blurays|blurayhd|bluraycd|uhd 8bit bluray"), "Movie.2014.2160p.UHD.BluRay.x265-GRP"),
    ("remux", ("remux|bdremux|bd remux|bdrmx|bluray remux|blu ray remux|blurayremux|uhdremux|uhd remux|uhd bdremux|bd uhd remux|dvd9 remux"
     "|hybridremux|hybrid remux|remux bd|remux bluray"), "Movie.2018.1080p.BluRay.REMUX.AVC-GRP"),
    ("br-disk", ("bdiso|bd iso|bd25|bd 25|bd50|bd 50|bd66|bd 66|bd100|bd 100|uhd50|uhd66|uhd100|uhd 50|uhd 66|uhd 100|uhdiso|brdisk|br disk|brdisc|br disc"
     "|full bluray|full blu ray|bdmv|complete bluray|complete blu ray|complete uhd bluray|complete uhd blu ray|complete hddvd|3d bd|bluray iso|blu ray iso|uhd iso|bluray disk|blu ray disk"
     "|complete mbluray|complete mblu ray|bluray full|bd full|untouched bluray|bd5|bd9"), "Movie.2013.BDISO"),
    ("raw-hd", "rawhd|raw hd", "Show.S02E05.RawHD"),
    ("tv", "hr ws pdtv|ws pdtv|ws dsr|hr pdtv", "Show.S02E01.WS.PDTV.x264-GRP"),
)  # fmt: skip
SOURCES_LOOSE = _rows(
    "source",
    ("cam", "cam", "Movie.2017.720p.CAM.x264"),
    ("telesync", "ts", "Movie.2016.TS"),
    ("telecine", "tc", "Movie.2016.TC"),
    ("workprint", "wp", "Movie.2009.WP"),
    ("dvdscr", "scr|screener|scrrip", "Movie.2013.SCREENER"),
    ("regional", "r5|r6|r3|regional|region5|region 5|region6", "Movie.2010.R5.XviD"),
    ("dvd", "dvd|ntsc", "Show.S01E01.DVD"),
    ("webdl", "web", "Show.S01E01.1080p.WEB.x264-GRP"),
    ("bd", "bd", "[Group] Show - 07 [BD 1080p FLAC]"),
    ("hdrip", "hdrip|hd rip", "Movie.2016.HDRip.XviD"),
    ("tv", "tv|television", "Show - S02E21 - Title - 720p TV"),
    ("vhs", "vhs", "Movie.1990.VHS"),
    solid=False,
)  # fmt: skip
"""`hdrip` and `bd` are vague; `grading.py` interprets them together with the other words."""

RESOLUTIONS = _rows(
    "resolution",
    ("2160", "uhd|ultrahd|ultra hd", "Movie.2015.UHD.BluRay"),
    ("2160", "4k|4kuhd|4k uhd|uhd 4k", "Movie.2015.4K.BluRay"),
    ("4320", "8k", "Movie.2015.8K"),
    ("1080", "fhd|fullhd|full hd", "Show 04 vostfr FHD"),
    ("1440", "2k|qhd", "Movie.2K"),
    solid=False,
)  # fmt: skip

VIDEO_CODECS = _rows(
    "video_codec",
    ("h264", "x264|h264|h 264|x 264|avchd|x264 hi10p|h264 hi10p|x264 hp|x264 hi|mpeg4 avc|h26 4", "Show.S01E01.H.264-GRP"),
    ("h265", "x265|h265|h 265|x 265|hevc|hevc10|hevc 10|x265 10|h265 hp", "Movie.2020.HEVC"),
    ("h266", "h266|x266|h 266|x 266|vvc", "Show.S01.h266-GRP"),
    ("xvid", "xvid|xvidhd", "Show.S01E01.XviD-LOL"),
    ("divx", "divx|dvdivx|divx5|divx6", "Movie.2003.DivX"),
    ("mpeg2", "mpeg2|mpeg 2|mpg2|h262|h 262", "Show.720p.HDTV.MPEG2-GRP"),
    ("vc1", "vc1|vc 1", "Movie.2009.BluRay.VC-1"),
    ("vp9", "vp9", "Movie.VP9.webm"),
    ("vp8", "vp8|vp80", "Movie.VP8.webm"),
    ("h263", "h263|h 263|x263", "Movie.h263"),
    ("av1", "av1", "Movie.2023.1080p.AV1"),
) + _rows(
    "video_codec",
    ("h264", "avc|mvc", "Movie.2009.Blu.ray.AVC"),
    ("rv10", "rv10|rv20|rv40", "Movie.rv40"),
    solid=False,
)  # fmt: skip

AUDIO = _rows(
    "audio_codec",
    ("dts-hd", ("dts hd ma|dtshd ma|dts hdma|dtshdma|dts hd|dtshd|dtsma|dts ma|dts hd hr|dts hr|dtshd hr|dtshdhr|dts hdhr"
     "|dts hd hra|dts hd mahr|dts hr ma|dtshr|dts hd hi res|dts hdhra|dts hd ma x"), "Movie.2016.DTS-HD.MA.5.1"),
    ("dts-x", "dts x|dtsx|dts hd ma dts x|dts x ma", "Movie.2017.DTS-X.7.1"),
    ("dts", "dts|dtses|dts es|dts core|dtsrip|dtsdigital|dts 24 96|dtses 6|dtsd|dtsdl", "Movie.1994.DTS.x264"),
    ("truehd", "truehd|true hd|dolby truehd|dolbytruehd|dolby true hd", "Movie.TrueHD.7.1"),
    ("eac3", "ddp|dd+|ddplus|dd plus|eac3|eac 3|e ac3|e ac 3|dolby digital plus|dolbydigitalplus|ddpa", "Show.DDP5.1"),
    ("ac3", "ac3|ac 3|ac3d|ac3dubbed|ac3ld|ac3hd|ac3max|dolby digital|dolbydigital|ddex|dd ex|ac3rip", "Movie.AC3.XviD"),
    ("aac", "aac|aacx2|aac lc|lc aac|he aac|heaac|qaac|aac he|aache|aaclc", "Show.AAC2.0.H.264"),
    ("flac", "flac|flacx2|2xflac|flacx3", "[Group] Show - 07 [BD 1080p FLAC]"),
    ("mp3", "mp3|lame", "Movie.MP3"),
    ("mp2", "mp2|mpa2|mpa", "Show.MPA2.0"),
    ("pcm", "lpcm|l pcm", "Movie.LPCM.2.0"),
    ("alac", "alac", "Movie.ALAC"),
) + _rows(
    "audio_codec",
    ("ac3", "dd|dolby|hq ac3", "Movie.DD5.1"),
    ("opus", "opus|opusx2", "Movie.Opus"),
    ("pcm", "pcm", "Movie.PCM"),
    ("vorbis", "vorbis|ogg vorbis", "Movie.Vorbis"),
    ("atmos", "atmos|dolby atmos|dolbyatmos|ddpatmos", "Movie.TrueHD.Atmos"),
    solid=False,
)  # fmt: skip
CHANNELS = _rows(
    "audio_channels",
    ("5.1", "6ch|6 ch", "Movie.AAC.6CH"),
    ("7.1", "8ch|8 ch", "Movie.DTS.8CH"),
    ("2.0", "2ch|2 ch|stereo", "Movie.AAC.2CH"),
    ("1.0", "1ch|1 ch|mono", "Movie.AAC.1CH"),
    solid=False,
)  # fmt: skip

HDR = _rows(
    "hdr",
    ("hdr10+", "hdr10+|hdr10plus|hdr10p|hdr10 plus|hdr 10+|hdr10 +", "Movie.2160p.HDR10+"),
    ("hdr10", "hdr10|hdr 10|hdr10bit", "Movie.2160p.HDR10"),
    ("dv", "dolbyvision|dolby vision|dovi|dvhe|dovi p8|dv p8|dv p7", "Movie.2160p.DoVi"),
    ("hlg", "hlg|hlg10", "Show.2160p.HLG"),
) + _rows(
    "hdr",
    ("hdr", "hdr|hdr dv|pq", "Movie.2160p.HDR"),
    ("dv", "dv", "Movie.2160p.DV"),
    ("sdr", "sdr", "Movie.2160p.SDR"),
    solid=False,
)  # fmt: skip

BIT_DEPTHS = _rows(
    "bit_depth",
    ("10", "10bit|10 bit|10bits|10 bits|hi10p|hi10|10b|yuv420p10|main10|ma10p|hi 10p", "Show.1080p.10bit.x265"),
    ("8", "8bit|8 bit|8bits|8 bits|yuv420p8", "Movie.1080p.8bit"),
    ("12", "12bit|12 bit|12bits|hi12p", "Movie.2160p.12bit"),
)

SERVICES = _rows(
    "streaming_service",
    ("Amazon Prime", "amzn|amazonhd|amazonuhd|amazon hd|azhd|amazonsd", "Show.1080p.AMZN.WEB-DL"),
    ("Netflix", "netflixhd|netflixuhd|netflix hd|netflix uhd|netflixrip|netflixsd|nfhd|nfuhd", "Show.720p.NetflixHD.x264"),
    ("Disney+", "dsnp|dsny|dsnyp|disneyhd|disneyuhd|disney+|disneyplus|disneyplushd", "Show.1080p.DSNP.WEB-DL"),
    ("iTunes", "ituneshd|hditunes|itunesuhd", "Show.720p.iTunesHD"),
    ("HBO Max", "hmax|hbomax|hbo max", "Show.1080p.HMAX.WEB-DL"),
    ("Hulu", "huluhd", "Show.720p.HULU.WEBRip"),
    ("AppleTV", "atvp|aptv|appletv+", "Show.2160p.ATVP.WEB-DL"),
    ("Paramount+", "pmtp|pmnp|paramount+", "Show.1080p.PMTP.WEB-DL"),
    ("Peacock", "pcok", "Show.1080p.PCOK.WEB-DL"),
    ("MAX", "maxhd|maxuhd", "Show.1080p.MAX.WEB-DL"),
    ("Crunchyroll", "crunchyroll|crunchy roll", "Show.1080p.CR.WEB-DL"),
    ("Maxdome", "maxdomehd", "Show.720p.MaxdomeHD"),
    ("WOWTV", "wowtv|skyshowtime", "Show.1080p.WOWTV.WEB-DL"),
    ("RTL", "rtlhd|rtlplushd|tvnowhd|joynhd", "Show.720p.TVNowHD"),
    ("Baha", "baha|b global|bglobal|bilibili", "[NC-Raws] Show - 07 (Baha 1920x1080)"),
) + _rows(
    "streaming_service",
    ("Amazon Prime", "amazon|amazonprime", "Show.1080p.Amazon.WEB-DL"),
    ("Netflix", "nf|netflix", "Show.1080p.NF.WEBRip"),
    ("Hulu", "hulu", "Show.720p.HULU.WEBRip"),
    ("iTunes", "itunes", "Show.720p.iTunes.h264"),
    ("Crunchyroll", "cr", "Show.1080p.CR.WEB-DL"),
    ("MAX", "max", "Show.1080p.MAX.WEB-DL"),
    ("HBO", "hbo", "Show.1080p.HBO.WEB-DL"),
    ("Stan", "stan", "Show.1080p.STAN.WEB-DL"),
    ("BBC iPlayer", "ip|iplayer", "Show.1080p.iP.WEB-DL"),
    ("All4", "all4|4od", "Show.1080p.ALL4.WEB-DL"),
    ("ITV", "itv|itvx", "Show.1080p.ITV.WEB-DL"),
    ("YouTube Red", "red", "Show.1080p.RED.WEB-DL"),
    ("CBS", "cbs", "Show.1080p.CBS.WEBRip"),
    ("NBC", "nbc", "Show.1080p.NBC.WEBRip"),
    ("Shudder", "shdr", "Movie.1080p.SHDR.WEB-DL"),
    ("Vudu", "vudu", "Movie.1080p.VUDU.WEB-DL"),
    ("Google Play", "play", "Movie.1080p.PLAY.WEB-DL"),
    ("Movies Anywhere", "ma", "Movie.1080p.MA.WEB-DL"),
    ("Hotstar", "hs|hotstar|dsnphs", "Show.1080p.HS.WEB-DL"),
    ("DC Universe", "dcu", "Show.1080p.DCU.WEB-DL"),
    ("Starz", "starz|stz", "Show.1080p.STARZ.WEB-DL"),
    ("Showtime", "sho|showtime", "Show.1080p.SHO.WEB-DL"),
    ("AppleTV", "appletv|atv", "Show.1080p.ATV.WEB-DL"),
    ("Disney+", "disney|dp", "Show.1080p.Disney.WEB-DL"),
    ("Canal+", "cnlp", "Show.1080p.CNLP.WEB-DL"),
    ("Viki", "viki", "Show.1080p.VIKI.WEB-DL"),
    ("Funimation", "funi", "Show.1080p.FUNI.WEB-DL"),
    ("HIDIVE", "hidi|hidive", "Show.1080p.HIDIVE.WEB-DL"),
    ("Roku", "roku", "Show.1080p.ROKU.WEB-DL"),
    ("Tubi", "tubi", "Show.1080p.TUBI.WEB-DL"),
    ("iQIYI", "iqiyi|iq", "Show.1080p.iQIYI.WEB-DL"),
    ("Nickelodeon", "nick", "Show.1080p.NICK.WEB-DL"),
    ("BluTV", "blutv|bltv", "Show.1080p.BLUTV.WEB-DL"),
    ("Syfy", "syfy", "Show.1080p.SYFY.WEB-DL"),
    ("Plex", "plex", "Show.1080p.PLEX.WEB-DL"),
    ("DailyMotion", "dm", "Show.1080p.DM.AAC2.0"),
    ("Crave", "crav|crave", "Show.1080p.CRAV.WEB-DL"),
    ("DramaFever", "df", "Show.1080p.DF.WEBRip"),
    ("MBC", "mbc", "Show.480p.MBC.WEB-DL"),
    ("Discovery+", "dscp|disc", "Show.1080p.DSCP.WEB-DL"),
    solid=False,
)  # fmt: skip

MISC = _rows(
    "misc",
    ("internal", "internal|iNT", "Show.S01E01.iNTERNAL.720p"),
    ("limited", "limited|ltd", "Movie.2011.LiMiTED.DVDRip"),
    ("complete", "complete|completa|completo|integrale|integral|the complete|complete series|the complete series|complete season|complete seasons|the complete collection|complete collection|season pack", "Show.S01.COMPLETE"),
    ("widescreen", "ws|widescreen|letterbox|fs|fullscreen", "Show.S01E01.WS.DSR"),
    ("standard", "pal|secam|stv|readnfo|read nfo|nfofix|nfo|dirfix|nfo fix|proof|fix|fixed|subfix|samplefix|syncfix|sync|prooffix|proof fix|proof sample fix|retail|dvdr", "Movie.NTSC"),
    ("hybrid", "hybrid|upscaled|upscale|ai upscale|upscaled 4k|regraded|rife", "Movie.2018.Hybrid.REMUX"),
    ("audio", ("dual audio|dualaudio|dual|multi audio|multiaudio|line|hq line auds|line audio|ld|md|mic dubbed|line dubbed|mvo|dvo|avo|2audio|3audio|2audios|audio|auds"
     "|subtitles commentary|commentary|dubs|dub|dubbed|dublado|synced|clean audio|hq clean audio|original audio|org audio|nordic|track|untouched|tracks|24 bit|24bit|16bit"), "Show.S01.Dual.Audio"),
    ("hd", "cc|hd|sd|hq|lq|hfr|dxva|hc|nsd|msd|hisd|hdlight", "Movie.HD.1080p"),
    ("encoder", "nvenc|qsv|vaapi|dubbing|dabing|dublaj|dublado|gesproken|doublage|doppiato|synchro|lektor|handbrake|reenc|re enc|reencoded|re encoded|encode|encoded|reencode|repost|chaps|chapters", "Movie.2160p-NVENC"),
    ("season", "saison|season|batch|pack|collection|serie|series", "Show.S01.Complete.Series"),
    ("3d", "3d|half sbs|hsbs|h sbs|sbs|half ou|hou|h ou|3d hsbs|3d half sbs|3d hou|full sbs|mvc 3d|3d sbs|half tab", "Movie.3D.HSBS.1080p"),
    ("bits", "vmaf|bt 2020|bt2020|pgs|cbr|vbr|crf|rec 709|bt709", "Movie.VMAF96"),
    ("extra", "extras|extra|bonus|digital extras|bonus disc|featurette|featurettes", "Show.S01.EXTRAS"),
    ("disc", "cd1|cd2|cd3|cd4|cd5|cd6|cd 1|cd 2|cd 3|cd 4|disc1|disc2|disc3|disc4|disc5|disc 1|disc 2|disc 3|disc 4|disc 5|disk1|disk2|disk 1|disk 2|1cd|2cd|3cd|2 cd|3 cd|dvd1|dvd2|dvd3|dvd4|dvd 1|dvd 2|dvd 3|dvd 4", "Movie.1999.CD1.DVDRip"),
    ("docu", "docu|doku|dokumentation|documentary", "Film.DOKU.German"),
    ("scene", "festival|theater|colorized|open matte dvd|dubbed by|mkv by|by|rip|uncropped|custom|free|now|ppv|censorrip|censored|fastsub|preair|pre air", "Movie.FESTiVAL"),
    solid=False,
)  # fmt: skip
SAMPLES = _rows(
    "extra_kind",
    ("sample", "sample", "Movie.2011.DVDRip-GRP-sample"),
    ("trailer", "trailer|teaser", "Movie-trailer"),
    ("featurette", "behindthescenes|behind the scenes|deleted|deleted scenes|interview", "Movie-behindthescenes"),
    solid=False,
)

REVISIONS = _rows(
    "revision",
    ("proper", "proper", "Show.S01E01.PROPER.HDTV"),
    ("repack", "repack|rerip|re rip", "Show.S01E01.REPACK.720p"),
    ("real", "real", "Show.S01E01.REAL.PROPER.HDTV"),
    solid=False,
)

EDITIONS = _rows(
    "edition",
    ("Director's Cut", ("directors cut|director s cut|director cut|directorscut|directors edition|directors|director s"
     "|directors version|director s edition|directors edit"), "Movie.2012.Directors.Cut"),
    ("Extended", "extended|extended cut|extended edition|extended version|extendet|ext edition|extended edit|ext cut", "Movie.2012.Extended"),
    ("Theatrical", "theatrical|theatrical cut|theatrical edition|theatrical version|theatrical release|theatrically", "Movie.2012.Theatrical"),
    ("Unrated", "unrated|unrated edition|unrated cut|unrated version|unrated directors cut", "Movie.2012.Unrated"),
    ("Uncut", "uncut|uncut edition|uncut version", "Movie.2012.UNCUT"),
    ("Uncensored", "uncensored|uncensored cut|uncensored edition", "Movie.2012.Uncensored"),
    ("Remastered", "remastered|remasterd|remaster|4k remaster|4k remastered|hd remastered|digitally remastered|remastered edition|2k remaster|new remaster", "Movie.1979.Remastered"),
    ("Restored", "restored|4k restoration|restoration|4k restored|restored edition|restored version|restored cut", "Movie.1979.Restored"),
    ("IMAX", "imax|imax edition|imax cut|imax version|imax enhanced", "Movie.2012.IMAX"),
    ("Ultimate", "ultimate edition|ultimate cut|ultimate fan edition|ultimate fan collection|ultimate collectors edition|ultimate collector s edition|ultimate version|ultimate extended edition", "Movie.2012.Ultimate.Edition"),
    ("Ultimate", "ultimate", "Movie.2012.Ultimate"),
    ("Special", "special edition|special cut|special version|edition special", "Movie.1977.Special.Edition"),
    ("Collector's", ("collectors edition|collector s edition|collector edition|collectors cut|collectors|collector s|collector"
     "|edition collector|collectors version"), "Movie.1979.Collectors.Edition"),
    ("Final", "final cut|final edition|the final cut|final version", "Movie.1982.Final.Cut"),
    ("Assembly", "assembly cut|assembly edition", "Movie.1992.Assembly.Cut"),
    ("Rogue", "rogue cut|rouge cut|rogue edition|rouge edition", "Movie.2014.Rogue.Cut"),
    ("Imperial", "imperial edition|imperial cut", "Movie.1979.Imperial.Edition"),
    ("Diamond", "diamond edition|diamond luxe edition|diamond cut", "Movie.1961.Diamond.Edition"),
    ("Signature", "signature edition|signature collection|signature cut", "Movie.1950.Signature.Edition"),
    ("Hunter", "hunter edition|hunter cut", "Movie.1987.Hunter.Edition"),
    ("Rekall", "rekall edition|ultimate rekall edition|rekall cut", "Movie.1990.Ultimate.Rekall.Edition"),
    ("Criterion", "criterion|criterion collection|criterion edition|the criterion collection", "Movie.1954.Criterion.Collection"),
    ("Deluxe", "deluxe edition|deluxe version", "Movie.1977.Deluxe.Edition"),
    ("Limited", "limited edition|edition limited", "Movie.1985.Limited.Edition"),
    ("Fan Edit", "fan edit|fanedit|fan edition|fan cut|fancut", "Movie.1999.Fan.Edit"),
    ("Despecialized", "despecialized|despecialized edition|despecialised|despecialized cut", "Movie.1977.Despecialized"),
    ("Recut", "recut|re cut|recut edition", "Movie.2005.RECUT.EXTENDED"),
    ("Redux", "redux cut|redux edition|redux version", "Movie.1979.Redux.Cut"),
    ("Alternative Cut", "alternative cut|alternate cut|alternative version|alternate version|alternative edition|alternate ending|alternate ending cut|alternate|alternative", "Movie.2008.Alternate.Cut"),
    ("Open Matte", "open matte|openmatte|om", "Movie.2007.Open.Matte"),
    ("Producer's Cut", "producers cut|producer s cut", "Movie.1995.Producers.Cut"),
    ("Workprint Cut", "workprint cut", "Movie.1982.Workprint.Cut"),
    ("International Cut", "international cut|international version|us cut|uk cut|european cut|japanese cut|broadcast edition|television cut|tv cut", "Movie.1978.International.Cut"),
    ("Superbit", "superbit", "Movie.1997.Superbit"),
    ("Roadshow", "roadshow cut|roadshow edition|roadshow version", "Movie.1965.Roadshow.Edition"),
    ("2in1", "2in1|2 in 1", "Movie.2012.2in1"),
    ("3in1", "3in1|3 in 1", "Movie.2012.3in1"),
    ("4in1", "4in1|4 in 1", "Movie.2012.4in1"),
    ("Uncut", "unzensiert", "Film.2012.Unzensiert"),
    ("Black & White", "black and white edition|black and chrome edition|black and chrome|black white", "Movie.2015.Black.and.Chrome.Edition"),
    ("Limited", "limited", "Movie.2011.LiMiTED.DVDRip"),
    ("Director's Cut", "dc", "Movie.2000.DC.1080p"),
    solid=False,
)  # fmt: skip
"""`LiMiTED` is a release type rather than a cut; it appears in `editions` but not in `edition`."""
SHORT_EDITIONS = {
    "se": "Special", "ce": "Collector's", "ue": "Ultimate", "ee": "Extended", "tde": "Theatrical", "udc": "Director's Cut",
    "ucut": "Uncut", "uce": "Ultimate",
}  # fmt: skip
"""Abbreviations that count only next to the year."""
ANNIVERSARY = (
    r"\d{2,3}(?:th|rd|nd|st)?[ ._-]anniversary(?:[ ._-](?:edition|cut|version))?"
    r"|(?<![a-z0-9])anniversary[ ._-](?:edition|cut|version)"
)

# Full names count anywhere in the tail, in any case. Values are ISO 639-1, with the wordings of each scene.
_COUNTRIES = {
    "ru": "russia", "pt-BR": "brazil|brasil", "es-419": "mexico|mexican|latin", "de": "germany|austria|swiss", "fr": "france", "es": "spain",
    "it": "italy|italia", "ja": "japan", "ko": "korea", "zh": "china|taiwan|hong kong|hongkong", "pl": "poland", "tr": "turkey", "hu": "hungary",
    "cs": "czechia", "uk": "ukraine", "el": "greece", "nl": "netherlands|holland", "sv": "sweden", "no": "norway",
    "da": "denmark", "fi": "finland", "pt": "portugal", "ro": "romania", "bg": "bulgaria", "sr": "serbia", "hr": "croatia",
    "vi": "vietnam", "th": "thailand", "he": "israel", "fa": "iran", "hi": "india", "id": "indonesia", "ar": "egypt|saudi",
}  # fmt: skip
_DUBBED = ("dubbed", "dub", "audio", "dubbing", "version")
COUNTRIES = _rows(
    "language",
    *(
        (code, "|".join(f"{name} {word}" for name in names.split("|") for word in _DUBBED), "Movie.Russia.Dubbed")
        for code, names in _COUNTRIES.items()
    ),
    solid=False,
)
"""A country stands for its language only before a word for a dub."""
LANGUAGES = _rows(
    "language",
    ("en", "english|englisch|ingles|inglés|inglese|anglais|английский|英語|英语", "Show.S01E01.English.HDTV"),
    ("fr", "french|truefrench|true french|vff|vfq|vfi|vf2|vf|francais|français|francese|subforced french|vof|vfb|franca|фр", "Movie.2019.TRUEFRENCH"),
    ("es", "spanish|castellano|español|espanol|castilian|esp|spanisch|español castellano|espanhol|espagnol", "Movie.2016.Castellano"),
    ("de", "german|deutsch|swissgerman|swiss german|german dubbed|videomann|ger dub|allemand|tedesco|aleman|alemán", "Movie.1994.German"),
    ("it", "italian|italiano|ita|italienisch", "Movie.2016.ITA"),
    ("da", "danish|dansk|dan", "Movie.Danish"),
    ("nl", "dutch|nederlands|nl dub|holländisch", "Movie.Dutch"),
    ("ja", "japanese|japones|japonés|giapponese|japanisch|日语|日語|日本語", "Show.Japanese"),
    ("is", "icelandic|islenska", "Show.Icelandic"),
    ("zh", "chinese|mandarin|cantonese|chs|cht|gb|big5|简体|繁体|繁體|简繁|中文|國語|国语|粤语|中字|cantones|双语|雙語|简中|繁中|简日|繁日|简|繁", "[Group] Show - 07 [CHS]"),
    ("ru", "russian|rus|русский|рус|russisch", "Movie.Russian"),
    ("pl", "polish|polski|pldub|pl dub|dub pl|dubpl|lektor pl|pl lektor|lek pl|lekpl|pllek|pl lek|plsubbed dub|polonais", "Movie.PLDUB"),
    ("vi", "vietnamese", "Movie.Vietnamese"),
    ("sv", "swedish|svenska|swe", "Movie.Swedish"),
    ("no", "norwegian|norsk", "Movie.Norwegian"),
    ("fi", "finnish|suomi", "Movie.Finnish"),
    ("tr", "turkish|türkçe|turkce", "Movie.Turkish"),
    ("pt", "portuguese|português|portugues", "Movie.Portuguese"),
    ("nl-BE", "flemish|vlaams", "Show.Flemish"),
    ("el", "greek", "Movie.Greek"),
    ("ko", "korean|koreano|koreanisch|한국어", "Movie.Korean"),
    ("hu", "hungarian|hundub|hun dub|magyar|hun", "Show.HUNDUB"),
    ("he", "hebrew|hebdub|heb dub|hebdubbed|heb", "Show.HebDub"),
    ("lt", "lithuanian|lietuviu", "Movie.Lithuanian"),
    ("cs", "czech|cz dub|czdub|czdabing|cz dabing|český|česky|cesky", "Movie.Czech"),
    ("ar", "arabic", "Movie.Arabic"),
    ("hi", "hindi", "Movie.Hindi"),
    ("bg", "bulgarian|bgaudio|bg audio|bgdub", "Movie.BGAUDIO"),
    ("ml", "malayalam", "Movie.Malayalam"),
    ("uk", "ukrainian|ukr|українська|укр", "Movie.UKRAINIAN"),
    ("sk", "slovak|slovensky|skdub|sk dub", "Movie.Slovak"),
    ("th", "thai", "Movie.Thai"),
    ("pt-BR", "brazilian|dublado|pt br|ptbr|por br|brazilian portuguese|portuguese brazil|portuguese br|brazil portuguese|portugues br|dual áudio|nacional|português br|audio pt br", "Show.Dublado"),
    ("es-419", "latino|español latino|espanol latino|spanish latino|es la|esla|lat spa|latin spanish|spanish latin|es 419|spa lat|spa la|latin american|es mx|es la|es 419", "Show.Latino"),
    ("ro", "romanian|rodubbed|ro dubbed|rodub|romana|română", "Show.RoDubbed"),
    ("lv", "latvian|latviesu", "Movie.LATVIAN"),
    ("fa", "persian|farsi", "Movie.PERSIAN"),
    ("ca", "catalan|català|catalán", "Movie.Catalan"),
    ("hr", "croatian|hrvatski", "Movie.Croatian"),
    ("sr", "serbian|srpski", "Movie.Serbian"),
    ("bs", "bosnian|bosanski", "Movie.Bosnian"),
    ("et", "estonian|eesti", "Movie.Estonian"),
    ("ta", "tamil", "Movie.Tamil"),
    ("te", "telugu", "Movie.Telugu"),
    ("kn", "kannada", "Movie.Kannada"),
    ("bn", "bengali|bangla", "Movie.BENGALI"),
    ("id", "indonesian|bahasa indonesia|indo", "Movie.Indonesian"),
    ("mk", "macedonian", "Movie.Macedonian"),
    ("sl", "slovenian|slovene", "Movie.Slovenian"),
    ("az", "azerbaijani", "Movie.Azerbaijani"),
    ("uz", "uzbek", "Movie.Uzbek"),
    ("ms", "malay", "Movie.Malay"),
    ("ur", "urdu", "Movie.Urdu"),
    ("rm", "romansh|rumantsch|romansch", "Movie.Rumantsch"),
    ("ka", "georgian", "Movie.Georgian"),
    ("sq", "albanian", "Movie.Albanian"),
    ("af", "afrikaans", "Movie.Afrikaans"),
    ("mr", "marathi", "Movie.Marathi"),
    ("tl", "tagalog|filipino", "Movie.Tagalog"),
    ("mn", "mongolian", "Movie.Mongolian"),
    ("pa", "punjabi", "Movie.Punjabi"),
    ("gu", "gujarati", "Movie.Gujarati"),
    ("eu", "basque|euskera", "Movie.Basque"),
    ("gl", "galician|gallego", "Movie.Galician"),
    ("ga", "irish|gaelic", "Movie.Irish"),
    ("original", "original|orig|vo|ov", "Movie.2025.Orig.1080p"),
    ("de+dl", "german dl|dl", "Movie.German.DL"),
    ("de+ml", "ml|german ml", "Movie.German.ML"),
    ("multi", "multi|multilang|multilanguage|multi language|multilingual", "Movie.MULTi.1080p"),
    solid=False,
)  # fmt: skip
# Short codes are also words or initials, so case and neighbours decide (see `languages.py`).
LANGUAGE_CODES: dict[str, str] = {
    "en": "en", "eng": "en", "ing": "en", "fr": "fr", "fra": "fr", "fre": "fr", "es": "es", "spa": "es", "cast": "es",
    "de": "de", "ger": "de", "deu": "de", "it": "it", "ita": "it", "da": "da", "dk": "da", "nl": "nl",
    "dut": "nl", "nld": "nl", "ja": "ja", "jap": "ja", "jpn": "ja", "jp": "ja", "chi": "zh", "zho": "zh", "cn": "zh",
    "zh": "zh", "ru": "ru", "pl": "pl", "pol": "pl", "vi": "vi", "vie": "vi", "sv": "sv", "se": "sv", "no": "no",
    "nor": "no", "fi": "fi", "fin": "fi", "tr": "tr", "tur": "tr", "pt": "pt", "por": "pt", "el": "el", "gr": "el",
    "gre": "el", "ell": "el", "ko": "ko", "kor": "ko", "he": "he", "lt": "lt", "lit": "lt", "cs": "cs", "cz": "cs",
    "cze": "cs", "ces": "cs", "ar": "ar", "ara": "ar", "hi": "hi", "hin": "hi", "bg": "bg", "bul": "bg",
    "mal": "ml", "uk": "uk", "ua": "uk", "sk": "sk", "slo": "sk", "slk": "sk", "th": "th", "tha": "th", "br": "pt-BR",
    "pob": "pt-BR", "ro": "ro", "rum": "ro", "ron": "ro", "lv": "lv", "lav": "lv", "lat": "lv", "fa": "fa",
    "per": "fa", "fas": "fa", "cat": "ca", "hr": "hr", "hrv": "hr", "sr": "sr", "srp": "sr", "bs": "bs", "bos": "bs", "et": "et",
    "est": "et", "ta": "ta", "tam": "ta", "te": "te", "tel": "te", "kan": "kn", "ben": "bn", "id": "id", "ind": "id",
    "mk": "mk", "mkd": "mk", "sl": "sl", "slv": "sl", "az": "az", "aze": "az", "uz": "uz", "uzb": "uz", "ms": "ms",
    "may": "ms", "ur": "ur", "urd": "ur", "rm": "rm", "roh": "rm", "ka": "ka", "kat": "ka", "geo": "ka", "sq": "sq",
    "alb": "sq", "af": "af", "afr": "af", "mr": "mr", "mar": "mr", "tl": "tl", "tgl": "tl", "mn": "mn", "mon": "mn",
    "is": "is", "ice": "is", "isl": "is", "hu": "hu", "ca": "ca", "vls": "nl-BE", "bl": "nl-BE", "pan": "pa",
    "guj": "gu", "eus": "eu", "glg": "gl", "gle": "ga", "sp": "es", "ukr": "uk", "rus": "ru", "hun": "hu", "swe": "sv",
    "srb": "sr", "cro": "hr", "bra": "pt-BR", "mex": "es-419", "dan": "da", "heb": "he", "esp": "es", "yue": "zh", "cmn": "zh",
}  # fmt: skip
COMMON_CODES = frozenset({
    "eng", "ita", "fre", "fra", "ger", "spa", "rus", "jpn", "jap", "kor", "hin", "por", "pol", "ukr", "cze", "hun",
    "swe", "nor", "esp",
})  # fmt: skip
"""Codes that are rarely words."""

TEAM_WORDS = frozenset({
    "team", "crew", "group", "pirates", "warez", "raws", "tracker", "torrents", "torrent", "releases", "release", "bits",
    "club", "community", "fansub", "fansubs", "scene", "encodes", "rips", "mafia", "gang", "heroes", "lovers", "power",
})  # fmt: skip
"""Words that make a language before them part of a group name: `x264-FRENCH-TEAM`."""

SUBTITLES = _rows(
    "subs",
    ("subs", ("sub|subs|subbed|subtitle|subtitles|subtitled|subtitulado|legenda|legendado|legendas|st|msubs|esubs|e subs|esub|multiple subtitle|multiple subtitles|multisub|multisubs|multi subs|multi sub"
     "|softsub|softsubs|soft subs|soft subtitles|substitles|napisy|titulky|altyazi|altyazili|ondertiteld|ondertitels|legendado|legendada|napisy pl|untertitel|sottotitoli|subtitulos|fansub|srt|xsubs|subpack|subita|engsub|engsubs|ensub|ensubs|rusub|nlsubs|nlsub|swesub|hebsub|plsub|plsubbed|subfrench|subforced|subsv"
     "|字幕|内嵌|外挂|内封"), "Movie.2016.Subs"),
    solid=False,
)  # fmt: skip
SUBTITLES_SOLID = _rows("subs", ("subs", "vostfr|vost|vosta|vostf|vostit", "Show.S01E01.VOSTFR.720p"))
HARDCODED = _rows(
    "hardcoded",
    (
        "subs",
        "korsub|korsubs|hc|hcsubs|hardsub|hardsubs|hardsubbed|hardcoded|hc subs|hardcoded subs|hc eng subs|hard sub|hard subs|subbed|hcsub|hardcodedsubs",
        "Movie.2016.KORSUB.WEBRip",
    ),
    solid=False,
)
"""Hardcoded subtitles."""
SUBTITLE_PREFIXES = {
    "en": "en", "eng": "en", "ru": "ru", "rus": "ru", "nl": "nl", "swe": "sv", "sv": "sv", "heb": "he", "pl": "pl",
    "fr": "fr", "fra": "fr", "fre": "fr", "french": "fr", "ita": "it", "it": "it", "es": "es", "spa": "es", "ger": "de",
    "de": "de", "kor": "ko", "dan": "da", "nor": "no", "fin": "fi", "br": "pt-BR", "pt": "pt", "chi": "zh", "jp": "ja",
    "jap": "ja", "jpn": "ja", "ukr": "uk", "cz": "cs", "hun": "hu", "gr": "el", "ro": "ro", "bg": "bg", "ar": "ar",
    "e": "en", "dk": "da", "no": "no", "se": "sv", "fi": "fi", "tr": "tr", "vn": "vi", "th": "th", "hu": "hu",
    "ptbr": "pt-BR", "multi": "", "m": "", "english": "en", "german": "de", "italian": "it", "spanish": "es", "greek": "el", "dutch": "nl",
    "swedish": "sv", "danish": "da", "norwegian": "no", "finnish": "fi", "polish": "pl", "hebrew": "he", "arabic": "ar",
    "turkish": "tr", "korean": "ko", "chinese": "zh", "japanese": "ja", "russian": "ru", "portuguese": "pt", "romanian": "ro",
    "hungarian": "hu", "czech": "cs", "nordic": "",
}  # fmt: skip
"""Prefixes of `sub` and `subs` in one word: `NLSubs`, `SWESUB`."""

CONTAINERS = _rows(
    "container",
    ("mkv", "mkv", "Show.S01E01 [MKV]"),
    ("mp4", "mp4", "Show.S01E01.MP4-GRP"),
    ("avi", "avi", "Show.S01E01 avi"),
    ("wmv", "wmv", "Movie.WMV-GRP"),
    ("webm", "webm", "Show.webm"),
    solid=False,
)

TERMS: tuple[Term, ...] = (
    *SOURCES, *SOURCES_LOOSE, *RESOLUTIONS, *VIDEO_CODECS, *AUDIO, *CHANNELS, *HDR, *BIT_DEPTHS, *SERVICES, *REVISIONS,
    *EDITIONS, *COUNTRIES, *LANGUAGES, *HARDCODED, *SUBTITLES_SOLID, *SUBTITLES, *MISC, *SAMPLES, *CONTAINERS,
)  # fmt: skip
"""If two rows have the same phrase, the earlier one wins."""

REPOSTERS = frozenset({
    "rp", "1", "nzbgeek", "obfuscated", "obfuscation", "scrambled", "sample", "pre", "postbot", "xpost", "whiterev",
    "buymore", "asrequested", "alternativetorequested", "gerov", "z0ids3n", "chamele0n", "4p", "4planet",
    "altezachen", "repackpost", "captcha", "nzbsrus", "repost", "reup",
})  # fmt: skip
"""Suffixes that reposters add to a group's release: `-EVO-postbot`."""

GROUPS_IN_FRONT = frozenset({
    "amiable", "blow", "cinefile", "counterfeit", "crossbow", "drones", "geckos", "haggis", "japhson", "larceny", "lpd", "melite",
    "nodlabs", "psychd", "rovers", "rusted", "saphire", "sector7", "sparks", "thugline", "twizted", "usury", "veto", "wlm",
})  # fmt: skip
"""Groups of the scene that put their name in front of the files of a release: `sparks-title.2016.1080p.bluray.x264.mkv`."""

# Groups whose name has no hyphen before it or one inside it, so that position alone cannot find them.
SIGNING_GROUPS: tuple[str, ...] = (
    "D-Z0N3", "Fight-BB", "VARYG", "E.N.D", "KRaLiMaRKo", "BluDragon", "DarQ", "KCRT", "BEN THE MEN", "BEN.THE.MEN", "TAoE",
    "QxR", "126811", "DX-TV", "Blu-bits", "TMd", "VECTOR", "Eml HDTeam", "Vialle", "YTS.MX", "YTS.LT", "YTS.AG", "YTS.AM", "YTS.RE",
    "YTS", "YIFY", "RARBG", "D Z0N3",
    # These are inside a bracket or after another name.
    "Silence", "afm72", "Panda", "Ghost", "MONOLITH", "Tigole", "Joy", "ImE", "UTR", "t3nzin", "Anime Time",
    "Project Angel", "Hakata Ramen", "HONE", "GiLG", "Vyndros", "SEV", "Garshasp", "Kappa", "Natty", "RCVR", "SAMPA", "YOGI",
    "r00t", "EDGE2020", "RZeroX", "FreetheFish", "Bandi", "Qman", "theincognito", "HDO", "DusIctv", "CtrlHD", "XZVN", "Kametsu",
    "VH-PROD", "FTW-HS", "-ZR-",
)  # fmt: skip

# Implied source and resolution of a file with no quality words. Source: `MediaFileExtensions` of Sonarr and Radarr.
EXTENSIONS: dict[str, tuple[str | None, int | None]] = {
    **dict.fromkeys(["webm"], (None, None)),
    **dict.fromkeys(
        [
            "m4v",
            "3gp",
            "nsv",
            "ty",
            "strm",
            "rm",
            "rmvb",
            "m3u",
            "ifo",
            "mov",
            "qt",
            "divx",
            "xvid",
            "bivx",
            "nrg",
            "pva",
            "wmv",
            "asf",
            "asx",
            "ogm",
            "ogv",
            "m2v",
            "avi",
            "bin",
            "dat",
            "dvr-ms",
            "mpg",
            "mpeg",
            "mp4",
            "vp3",
            "svq3",
            "nuv",
            "viv",
            "fli",
            "flv",
            "wpl",
            "ts",
            "wtv",
        ],
        ("tv", 480),
    ),
    **dict.fromkeys(["img", "iso", "vob"], ("dvd", 480)),
    **dict.fromkeys(["mkv", "mk3d"], ("tv", 720)),
    **dict.fromkeys(["m2ts", "mts"], ("bluray", 720)),
}
OTHER_EXTENSIONS = frozenset({
    "srt", "ass", "ssa", "sub", "idx", "sup", "vtt", "smi", "nfo", "txt", "jpg", "jpeg", "png", "torrent", "nzb",
    "par2", "rar", "zip", "7z", "mp3", "flac", "m4a", "aac", "mka", "md5", "sfv",
})  # fmt: skip
SUBTITLE_EXTENSIONS = frozenset(["srt", "ass", "ssa", "sub", "idx", "sup", "vtt", "smi", "psb"])

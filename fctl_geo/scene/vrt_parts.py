"""The parts of a VRT that access only the files that they name; in lower case, since GDAL ignores case."""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


ELEMENTS = _words("""
    vrtdataset srs geotransform gcplist gcp metadata mdi vrtrasterband nodatavalue colorinterp description unittype
    offset scale categorynames category colortable entry histograms histitem histmin histmax bucketcount
    includeoutofrange approximate histcounts simplesource complexsource averagedsource kernelfilteredsource
    nodatafrommasksource sourcefilename sourceband sourceproperties srcrect dstrect nodata usemaskband scaleoffset
    scaleratio lut colortablecomponent exponent srcmin srcmax dstmin dstmax clamp maskvaluethreshold remappedvalue
    kernel size coefs maskband hidenodatavalue overview overviewlist blockxsize blockysize gdalrasterattributetable
    fielddefn name type usage row f statistics openoptions ooi
    pixelfunctiontype pixelfunctionarguments sourcetransfertype skipnoncontributingsources
    gdalwarpoptions warpmemorylimit resamplealg workingdatatype option sourcedataset bandlist bandmapping srcnodatareal
    srcnodataimag dstnodatareal dstnodataimag src dst srcalphaband dstalphaband transformer approxtransformer maxerror
    basetransformer genimgprojtransformer srcgeotransform srcinvgeotransform dstgeotransform dstinvgeotransform
    reprojecttransformer reprojectiontransformer sourcesrs targetsrs options sourcecrs targetcrs
""")
NAMES_A_FILE = _words("sourcefilename sourcedataset")
SIZES = _words("rasterxsize rasterysize xoff yoff xsize ysize blockxsize blockysize")
"""Attributes that are counted in pixels."""
SUBCLASSES = _words("vrtwarpeddataset vrtwarpedrasterband vrtsourcedrasterband vrtderivedrasterband")
KEYS_THAT_NAME_FILES = _words("overview_file x_dataset y_dataset")
"""Metadata keys, in any domain."""
WARP_OPTIONS = _words("""
    init_dest unified_src_nodata num_threads sample_grid sample_steps source_extra skip_nosource optimize_size
    streamable_output write_flush xscale yscale error_out_if_empty_source_window allow_ballpark center_long
    area_of_interest
""")

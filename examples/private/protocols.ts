import { qza } from 'meltemi/qza';
import type { FramedProtocol } from 'meltemi/spi';
import { videopacket } from 'meltemi/videopacket';

export const PROTOCOLS: Readonly<Record<string, FramedProtocol>> = { qza, videopacket };

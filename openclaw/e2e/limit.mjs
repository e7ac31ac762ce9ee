import { limitFile } from '../test/limit.mjs';

limitFile(30);
